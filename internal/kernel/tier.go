// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
)

// A Tier is a set of instructions the kernels are written in. All tiers cut a
// sum alike and add in the same order; all but the portable one give the same bits.
type Tier int

// The tiers, each faster than the one before.
const (
	Portable   Tier = iota // Go
	AVX2                   // AVX2 and FMA
	AVX512                 // AVX-512 F, BW, DQ and VL
	AVX512VNNI             // AVX-512 with VNNI, for products of integers
)

func (t Tier) String() string { return [...]string{"portable", "avx2", "avx512", "avx512vnni"}[t] }

// CurrentTier returns the tier in use.
func CurrentTier() Tier { return tier }

// SameBits returns the slowest tier that gives the same bits.
func (t Tier) SameBits() Tier { return min(t, AVX2) }

// tierVariable names a variable of the environment that holds the kernels to a
// tier, or the fastest below it this machine has.
const tierVariable = "GOQAT_TRAIN_KERNELS"

// chosen returns the tier the environment wants, best if none.
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
	for t := Portable; t <= AVX512VNNI; t++ {
		if v == t.String() || v == "" {
			return nil
		}
	}
	return fmt.Errorf("%s is %q in the environment, want %v, %v, %v or %v", tierVariable, v, Portable, AVX2, AVX512, AVX512VNNI)
}
