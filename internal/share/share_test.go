// SPDX-License-Identifier: Apache-2.0

package share_test

import (
	"testing"

	"github.com/goqat/goqat/internal/share"
)

// Every item is of exactly one part, whatever their number.
func TestParts(t *testing.T) {
	for n := 1; n < 6; n++ {
		for i := range 20 {
			has := 0
			for k := range n {
				if (share.Part{Index: k, Of: n}).Has(i) {
					has++
				}
			}
			if has != 1 {
				t.Errorf("item %d is of %d of %d parts", i, has, n)
			}
		}
	}
	if all := (share.Part{}); !all.Has(7) || all.String() != "" {
		t.Error("the zero value is not all")
	}
}

func TestSet(t *testing.T) {
	for text, ok := range map[string]bool{"0/1": true, "3/4": true, "4/4": false, "-1/4": false, "1": false, "": false, "1/2/3": false, "a/b": false, "0/0": false, "0/99999999": false} {
		var p share.Part
		if err := p.Set(text); (err == nil) != ok || ok && p.String() != text {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}
