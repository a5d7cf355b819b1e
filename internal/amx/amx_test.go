// SPDX-License-Identifier: Apache-2.0

package amx_test

import (
	"testing"

	"github.com/goqat/goqat/internal/amx"
)

// TestPermit asks twice, and holds that there is no product without tiles.
func TestPermit(t *testing.T) {
	first, second := amx.Permit(), amx.Permit()
	if (first == nil) != (second == nil) {
		t.Errorf("%v, and then %v", first, second)
	}
	if first != nil {
		t.Log(first)
	}
	if !amx.Int8 && !amx.BF16 && first == nil {
		t.Error("tiles without products are permitted")
	}
}
