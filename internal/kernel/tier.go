// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
)

// A Tier is a set of instructions the kernels are written in. All tiers but AMX cut a
// sum alike and add in the same order; all but that and the portable one give the same bits.
type Tier int

// The tiers, each faster than the one before.
const (
	Portable   Tier = iota // Go
	AVX2                   // AVX2 and FMA
	AVX512                 // AVX-512 F, BW, DQ and VL
	AVX512VNNI             // AVX-512 with VNNI, for products of integers
	AMX                    // the fastest of these, and the tiles of AMX for layers of whole numbers; see docs/numerics.md, 3.19
)

func (t Tier) String() string {
	return [...]string{"portable", "avx2", "avx512", "avx512vnni", "amx"}[t]
}

// CurrentTier returns the tier in use.
func CurrentTier() Tier {
	if tiles != noTiles {
		return AMX
	}
	return tier
}

// SameBits returns the slowest tier that gives the same bits.
func (t Tier) SameBits() Tier {
	if t == AMX {
		return t
	}
	return min(t, AVX2)
}

// A tileUnit is what computes products of tiles.
type tileUnit int

const (
	noTiles tileUnit = iota
	processorTiles
	goTiles // portable Go, to the same bits
)

// tiles are used in the tier AMX alone. It is in use where it is asked for by name: by the environment,
// or by SetTier.
var tiles = environmentTiles()

func environmentTiles() tileUnit {
	if os.Getenv(tierVariable) != AMX.String() || permitTiles() != nil {
		return noTiles
	}
	return processorTiles
}

// SetTier makes the kernels of plans made from now on run on a tier, or on the fastest this machine
// has below it, and returns the one before. It is meant for tests, between runs.
func SetTier(t Tier) (before Tier) {
	before = CurrentTier()
	setVectors(min(t, best))
	tiles = noTiles
	if t == AMX && permitTiles() == nil {
		tiles = processorTiles
	}
	return before
}

// EmulateTiles brings the tier AMX to every machine, with products of tiles in portable Go, until it
// is undone. It is meant for tests, between runs.
func EmulateTiles() (undo func()) {
	before := tiles
	tiles = goTiles
	return func() { tiles = before }
}

// tierVariable names a variable of the environment that holds the kernels to a
// tier, or the fastest below it this machine has; but AMX must be there.
const tierVariable = "GOQAT_TRAIN_KERNELS"

// chosen returns the tier of vectors that the environment wants, best if none.
func chosen(best Tier) Tier {
	for t := Portable; t < best; t++ {
		if os.Getenv(tierVariable) == t.String() {
			return t
		}
	}
	return best
}

// CheckEnvironment returns an error if the environment wants a tier that there is
// not. Kernels then run in the best one.
func CheckEnvironment() error {
	v := os.Getenv(tierVariable)
	if v == AMX.String() {
		if err := permitTiles(); err != nil {
			return fmt.Errorf("%s is %q in the environment: %w", tierVariable, v, err)
		}
		return nil
	}
	for t := Portable; t <= AVX512VNNI; t++ {
		if v == t.String() || v == "" {
			return nil
		}
	}
	return fmt.Errorf("%s is %q in the environment, want %v, %v, %v, %v or %v", tierVariable, v, Portable, AVX2, AVX512, AVX512VNNI, AMX)
}
