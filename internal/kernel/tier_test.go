// SPDX-License-Identifier: Apache-2.0

package kernel

import "testing"

func TestTierOfEnvironment(t *testing.T) {
	for value, want := range map[string]Tier{"": AVX512VNNI, "portable": Portable, "avx2": AVX2, "avx512": AVX512, "avx512vnni": AVX512VNNI, "other": AVX512VNNI} {
		t.Setenv(tierVariable, value)
		if err := CheckEnvironment(); (err != nil) != (value == "other") {
			t.Errorf("%s=%q: %v", tierVariable, value, err)
		}
		for _, best := range []Tier{Portable, AVX2, AVX512, AVX512VNNI} {
			if got := chosen(best); got != min(want, best) {
				t.Errorf("%s=%q on a machine with %v: %v, want %v", tierVariable, value, best, got, min(want, best))
			}
		}
	}
}
