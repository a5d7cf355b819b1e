// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"testing"

	"github.com/goqat/goqat/qmodel"
)

func TestAllZero(t *testing.T) {
	for _, c := range []struct {
		codes []int8
		want  bool
	}{{[]int8{0, 0, 0}, true}, {[]int8{0, 0, -1}, false}} {
		for _, coding := range []qmodel.Coding{"", qmodel.Split} {
			w := &qmodel.Weights{Bits: 2, Coding: coding, Shape: [4]int{1, 1, 1, 3}}
			if err := w.Pack(c.codes); err != nil {
				t.Fatal(err)
			}
			if got := allZero(w); got != c.want {
				t.Errorf("%v, coding %q: %v", c.codes, coding, got)
			}
		}
	}
}
