// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"slices"
	"testing"
)

func TestDifferencesNameKeysAndValues(t *testing.T) {
	before, after := Default(), Default()
	if d := after.Differences(before); len(d) != 0 {
		t.Errorf("equal recipes differ in %q", d)
	}
	for _, s := range []string{"batch=7", "qat.lr=0.25", "qat.layers=[{match: conv1, weight_bits: 8}]"} {
		if err := after.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	before.Batch, before.QAT.LR = 5, 0.5
	d := after.Differences(before)
	if len(d) != 3 || d[0] != "batch: 7, was 5" || !slices.Contains(d, "qat.lr: 0.25, was 0.5") {
		t.Errorf("differences %q", d)
	}
}
