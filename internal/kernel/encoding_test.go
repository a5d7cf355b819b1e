// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEncoding compares an Encoding with the steps that it takes together, each slice ending
// at a page that faults, on numbers of all kinds.
func TestEncoding(t *testing.T) {
	guard := func(src []float32) []float32 {
		s := guarded(t, len(src))
		copy(s, src)
		return s
	}
	grids := []Encoding{
		{Floor: 0, Ceil: infinity, Step: 0.25, Least: 0, Most: 15},
		{Floor: 0, Ceil: 6, Step: third, Least: 0, Most: 255},
		{Floor: -infinity, Ceil: infinity, Step: 0.25, Least: -3, Most: 0},
		{Floor: -infinity, Ceil: infinity, Step: 0x1p-99, Least: -128, Most: 127},
		{Floor: -infinity, Ceil: infinity, Step: 12345.678, Least: -255, Most: 0},
	}
	tiers(t, func(t *testing.T) {
		for k, n := range channels {
			e := grids[k%len(grids)]
			e.Scale, e.Shift = guard(random(n, 3)), guard(random(n, 4))
			for _, rows := range []int{1, 2, 5, 64} {
				src, add := awkward(t, rows*n, uint64(k)), awkward(t, rows*n, uint64(100+k))
				finite := guard(random(rows*n, 5))
				for name, c := range map[string]struct{ src, add []float32 }{
					"a tensor": {src, nil}, "a sum": {src, add}, "numbers": {finite, nil}, "a sum of numbers": {finite, finite},
				} {
					e.check(t, fmt.Sprintf("%s of %d rows of %d, grid %d", name, rows, n, k%len(grids)), rows*n, c.src, c.add)
				}
			}
		}
	})
}

// check compares Store of n values with its definition by other functions.
func (e *Encoding) check(t *testing.T, what string, n int, src, add []float32) {
	t.Helper()
	v, want := make([]float32, n), make([]uint8, n)
	ScaleShift(v, src, e.Scale, e.Shift)
	if add != nil {
		Add(v, v, add)
	}
	for i := range v {
		v[i] = clamp(v[i], e.Floor, e.Ceil)
	}
	wantLo, wantHi := MinMax(v)
	numbers := !slices.ContainsFunc(v, func(v float32) bool { return v != v })
	rounded := make([]float32, n)
	FakeQuantize(rounded, v, e.Step, e.Least, e.Most)
	NarrowCodes(want, rounded, 1/e.Step, uint8(-e.Least))

	memory := guardedCodes(t, (n+1)/2)
	dst := bytesOf(memory)[len(bytesOf(memory))-n:]
	lo, hi, all := e.Store(dst, src, add)
	if lo != wantLo || hi != wantHi || all != numbers {
		t.Fatalf("%s: %g to %g, all numbers: %v; want %g to %g, %v", what, lo, hi, all, wantLo, wantHi, numbers)
	}
	for i, q := range dst {
		if v[i] == v[i] && q != want[i] {
			t.Fatalf("%s: code %d of %g is %d, want %d", what, i, v[i], q, want[i])
		}
	}
}

// TestEncodingRounds compares codes near the numbers where codes change, and quotients near them, with those of portable
// Go, of steps of all kinds.
func TestEncodingRounds(t *testing.T) {
	const n = 16
	r := rand.New(rand.NewPCG(1, 2))
	one := make([]float32, n)
	for c := range one {
		one[c] = 1
	}
	tiers(t, func(t *testing.T) {
		for range 2000 {
			step := math.Float32frombits(0x3f800000 | r.Uint32N(1<<23))
			switch r.IntN(4) {
			case 0:
				step = math.Float32frombits(0x3f800000 + r.Uint32N(4)) // close to a power of two
			case 1:
				step = math.Float32frombits(0x40000000 - 1 - r.Uint32N(4))
			}
			step *= []float32{1, 0x1p-99, 0x1p99, 0x1p-7}[r.IntN(4)]
			e := Encoding{Scale: one, Shift: make([]float32, n), Floor: -infinity, Ceil: infinity, Step: step, Least: -float32(r.IntN(256))}
			e.Most = e.Least + 255
			src := make([]float32, 4*n)
			for i := range src {
				edge := float32(float64(step) * (float64(r.IntN(258)) + float64(e.Least) - 1.5))
				src[i] = math.Float32frombits(math.Float32bits(edge) + uint32(r.IntN(7)) - 3)
			}
			got, want := make([]uint8, len(src)), make([]uint8, len(src))
			e.Store(got, src, nil)
			portably(func() bool { e.Store(want, src, nil); return true })
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%g by steps of %g from %g on: code %d, want %d", src[i], step, e.Least, got[i], want[i])
				}
			}
		}
	})
}
