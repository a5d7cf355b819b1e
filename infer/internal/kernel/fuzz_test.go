// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// A fuzzSource are random numbers of which the fuzzer chooses the first, and with them geometry, styles and extremes.
type fuzzSource struct {
	chosen []byte
	rest   *rand.PCG
}

func (s *fuzzSource) Uint64() uint64 {
	if len(s.chosen) < 8 {
		return s.rest.Uint64()
	}
	v := binary.LittleEndian.Uint64(s.chosen)
	s.chosen = s.chosen[8:]
	return v
}

// fuzz runs a comparison of kernels with their reference on what the fuzzer draws.
func fuzz(f *testing.F, compare func(t *testing.T, rng *rand.Rand, kind int)) {
	for kind := range uint8(8) {
		f.Add(make([]byte, 160), uint64(kind), kind)
	}
	f.Fuzz(func(t *testing.T, chosen []byte, seed uint64, kind uint8) {
		compare(t, rand.New(&fuzzSource{chosen[:min(len(chosen), 512)], rand.NewPCG(seed, 1)}), int(kind))
	})
}

func FuzzPlans(f *testing.F) { fuzz(f, plansAgree) }

func FuzzFused(f *testing.F) { fuzz(f, fusedAgree) }

func FuzzSigns(f *testing.F) { fuzz(f, signsAgree) }

func FuzzFinishers(f *testing.F) { fuzz(f, finishersAgree) }

func FuzzPools(f *testing.F) {
	fuzz(f, func(t *testing.T, rng *rand.Rand, _ int) { poolsAgree(t, rng) })
}

func FuzzIntervals(f *testing.F) {
	fuzz(f, func(t *testing.T, rng *rand.Rand, _ int) { intervalsAgree(t, rng) })
}

func FuzzShorts(f *testing.F) {
	fuzz(f, func(t *testing.T, rng *rand.Rand, _ int) { shortsAgree(t, rng) })
}
