// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel/avx512"
	"github.com/goqat/goqat/internal/amx/amxtest"
)

// TestHammer runs layers by tiles under signals and collections.
func TestHammer(t *testing.T) {
	if err := permit(); err != nil {
		t.Skip(err)
	}
	amxtest.Hammer(t, func(goroutine int) func() bool {
		l := layers[goroutine%11]
		got, want := l.prepare(TestSets()[0]), l.prepare(avx512.Set)
		want.codes()
		return func() bool {
			clear(got.out())
			got.codes()
			return slices.Equal(got.out(), want.out())
		}
	})
}
