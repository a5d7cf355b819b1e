// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
)

// A sumCase is one function of two inputs that stores a result and returns sums,
// with what element i of a and b stores and adds to the sums.
var sumCases = []struct {
	name   string
	stores bool // a result, in dst
	run    func(dst, a, b []float32) [3]float64
	want   func(a, b float64) (dst float64, adds [3]float64)
}{
	{"SumSquares", false, func(_, a, _ []float32) [3]float64 { return [3]float64{SumSquares(a)} },
		func(a, _ float64) (float64, [3]float64) { return 0, [3]float64{a * a} }},
	{"QuantizedDots", false, func(_, a, _ []float32) [3]float64 {
		wq, qq := QuantizedDots(a, [2]float32{third, 0.25}, 7)
		return [3]float64{wq[0], qq[0], wq[1]}
	}, func(a, _ float64) (float64, [3]float64) {
		q, p := coded(a, third, 7), coded(a, 0.25, 7)
		return 0, [3]float64{a * q, q * q, a * p}
	}},
	{"QuantizedDotsOfManyCodes", false, func(_, a, _ []float32) [3]float64 {
		wq, qq := QuantizedDots(a, [2]float32{0x1p-10, third}, 4096)
		return [3]float64{qq[0], qq[1], wq[1]}
	}, func(a, _ float64) (float64, [3]float64) {
		q, p := coded(a, 0x1p-10, 4096), coded(a, third, 4096)
		return 0, [3]float64{q * q, p * p, a * p}
	}},
	{"ClipBackward", true, func(dst, a, b []float32) [3]float64 {
		below, above := ClipBackward(dst, a, b, -1, 5.999)
		return [3]float64{below, above}
	}, func(a, b float64) (float64, [3]float64) {
		hi := float64(float32(5.999))
		return pick(-1 < a && a < hi, b), [3]float64{pick(a <= -1, b), pick(a >= hi, b)}
	}},
	{"StepBackward", true, func(dst, a, b []float32) [3]float64 {
		below, inside, above := StepBackward(dst, a, b, 0.25, -4, 3)
		return [3]float64{below, inside, above}
	}, func(a, b float64) (float64, [3]float64) {
		v := a / 0.25
		in := -4 < v && v < 3
		return pick(in, b), [3]float64{pick(v <= -4, b), pick(in, b*(math.RoundToEven(v)-v)), pick(v >= 3, b)}
	}},
}

// coded returns clamp(RNE(w/scale), -most, most).
func coded(w float64, scale float32, most float64) float64 {
	return math.Max(-most, math.Min(math.RoundToEven(float64(float32(w/float64(scale)))), most))
}

// numbers replaces NaN and infinities in s, which it returns.
func numbers(s []float32) []float32 {
	for i, v := range s {
		if v-v != 0 {
			s[i] = float32(i%9) - 4
		}
	}
	return s
}

func TestSums(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for _, f := range sumCases {
			for n := range 70 {
				a, b, dst := numbers(awkward(t, n, uint64(n))), numbers(random(n, uint64(1000+n))), guarded(t, n)
				got := f.run(dst, a, b)
				var exact [3]big.Float
				var size [3]float64
				for i := range a {
					stored, adds := f.want(float64(a[i]), float64(b[i]))
					if dst[i] != float32(stored) && f.stores {
						t.Fatalf("%s of %d: element %d of %g, %g is %g, want %g", f.name, n, i, a[i], b[i], dst[i], stored)
					}
					for k, v := range adds {
						exact[k].SetPrec(300).Add(&exact[k], big.NewFloat(v))
						size[k] += math.Abs(v)
					}
				}
				for k := range exact {
					if want, _ := exact[k].Float64(); math.Abs(got[k]-want) > size[k]*0x1p-48 {
						t.Fatalf("%s of %d: sum %d is %g, want %g", f.name, n, k, got[k], want)
					}
				}
				// In place.
				f.run(a, a, b)
				if f.stores {
					sameBits(t, f.name+" in place", a, dst)
				}
			}
		}
	})
}

func TestSumsSameBits(t *testing.T) {
	for _, f := range sumCases {
		for _, n := range []int{1, 7, 8, 9, 31, 32, 33, 64, 100, maxTestVector} {
			a, b := awkward(t, n, 3), awkward(t, n, 4)
			check := func(what string) {
				t.Helper()
				var sums, portable [3]float64
				dst := guarded(t, n)
				sums = f.run(dst, a, b)
				want := portably(func() []float32 {
					d := guarded(t, n)
					portable = f.run(d, a, b)
					return d
				})
				sameBits(t, fmt.Sprintf("%s of %d %s", f.name, n, what), dst, want)
				for k := range sums {
					if sums[k] != portable[k] && !(sums[k] != sums[k] && portable[k] != portable[k]) {
						t.Errorf("%s of %d %s: sum %d is %v, want %v", f.name, n, what, k, sums[k], portable[k])
					}
				}
			}
			if !strings.HasPrefix(f.name, "QuantizedDots") { // they take no NaN
				check("awkward values")
			}
			numbers(b)
			if !strings.HasPrefix(f.name, "QuantizedDots") { // they take no NaN
				check("numbers as gradients")
			}
			numbers(a)
			check("numbers")
		}
	}
}

func TestSumAllocations(t *testing.T) {
	x, y := random(100, 1), random(100, 2)
	if n := testing.AllocsPerRun(10, func() {
		for _, f := range sumCases {
			f.run(y, x, y)
		}
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
