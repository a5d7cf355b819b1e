// SPDX-License-Identifier: Apache-2.0

package kernel

import "testing"

func TestTierOfEnvironment(t *testing.T) {
	for value, want := range map[string]Tier{"": AVX512VNNI, "portable": Portable, "avx2": AVX2, "avx512": AVX512, "avx512vnni": AVX512VNNI, "amx": AVX512VNNI, "other": AVX512VNNI} {
		t.Setenv(tierVariable, value)
		if err := CheckEnvironment(); (err != nil) != (value == "other" || value == "amx" && permitTiles() != nil) {
			t.Errorf("%s=%q: %v", tierVariable, value, err)
		}
		for _, best := range []Tier{Portable, AVX2, AVX512, AVX512VNNI} {
			if got := chosen(best); got != min(want, best) {
				t.Errorf("%s=%q on a machine with %v: %v, want %v", tierVariable, value, best, got, min(want, best))
			}
		}
	}
}

// TestTilesOfEnvironment: tiles are used where they are asked for, and there, alone.
func TestTilesOfEnvironment(t *testing.T) {
	for _, value := range []string{"", "avx512", "amx"} {
		t.Setenv(tierVariable, value)
		if got, want := environmentTiles() == processorTiles, value == "amx" && permitTiles() == nil; got != want {
			t.Errorf("%s=%q: tiles %v, want %v", tierVariable, value, got, want)
		}
	}
	before := CurrentTier()
	undo := EmulateTiles()
	if CurrentTier() != AMX || AMX.SameBits() != AMX || AVX512.SameBits() != AVX2 {
		t.Errorf("tiles in Go are the tier %v", CurrentTier())
	}
	undo()
	if CurrentTier() != before {
		t.Errorf("the tier is %v after tiles in Go, was %v", CurrentTier(), before)
	}
}
