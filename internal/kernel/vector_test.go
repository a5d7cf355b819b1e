// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// awkward returns n values with the special ones among them: NaN, infinities,
// both zeros, ties of a rounding by 0.25, a denormal, values beyond 2^24.
func awkward(t testing.TB, n int, seed uint64) []float32 {
	special := []float32{float32(math.NaN()), infinity, -infinity, 0, float32(math.Copysign(0, -1)),
		0.125, -0.125, 0.375, -0.375, 0.625, 1, -1, 6, 5.999, 1e-42, -1e-42, 3e38, -3e38, 1 << 25, 4194305.5}
	r := rand.New(rand.NewPCG(seed, 2))
	s := guarded(t, n)
	for i := range s {
		if s[i] = float32(r.NormFloat64() * 2); r.IntN(4) == 0 {
			s[i] = special[r.IntN(len(special))]
		}
	}
	return s
}

// A vectorCase is one function of three inputs of n elements, with the value
// of one output element by its definition in float64.
var vectorCases = []struct {
	name string
	run  func(dst, a, b []float32)
	want func(d, a, b float64) float64
}{
	{"Add", func(dst, a, b []float32) { Add(dst, a, b) }, func(_, a, b float64) float64 { return float64(float32(a + b)) }},
	{"ReLU", func(dst, a, _ []float32) { ReLU(dst, a) }, func(_, a, _ float64) float64 { return math.Max(a, 0) }},
	{"ReLUClamp", func(dst, a, _ []float32) { ReLUClamp(dst, a, 6) }, func(_, a, _ float64) float64 { return math.Min(math.Max(a, 0), 6) }},
	{"ReLUBackward", func(dst, a, b []float32) { ReLUBackward(dst, a, b) }, func(_, a, b float64) float64 { return pick(a > 0 && a < math.Inf(1), b) }},
	{"ReLUClampBackward", func(dst, a, b []float32) { ReLUClampBackward(dst, a, b, 6) }, func(_, a, b float64) float64 { return pick(a > 0 && a < 6, b) }},
	{"FakeQuantize", func(dst, a, _ []float32) { FakeQuantize(dst, a, 0.25, -3, 12) }, func(_, a, _ float64) float64 {
		return math.Min(math.Max(math.RoundToEven(a/0.25), -3), 12) * 0.25
	}},
	{"FakeQuantizeThird", func(dst, a, _ []float32) { FakeQuantize(dst, a, third, 0, 255) }, func(_, a, _ float64) float64 {
		q := math.RoundToEven(float64(float32(a / float64(third))))
		return float64(float32(math.Min(math.Max(q, 0), 255) * float64(third)))
	}},
	{"Tanh", func(dst, a, _ []float32) { Tanh(dst, a) }, func(_, a, _ float64) float64 { return float64(float32(math.Tanh(a))) }},
	{"TanhMiddle", func(dst, a, b []float32) {
		ReLUClamp(b, a, 0.62)
		Tanh(dst, b)
	}, func(_, a, _ float64) float64 {
		return float64(float32(math.Tanh(float64(float32(math.Min(math.Max(a, 0), float64(float32(0.62))))))))
	}},
	{"TanhBackward", func(dst, a, b []float32) { TanhBackward(dst, a, b, third) }, func(_, a, b float64) float64 {
		return float64(float32(b*float64(third)) * (1 - float32(a*a)))
	}},
	{"OddLevels", func(dst, a, _ []float32) { OddLevels(dst, a, 0.75, 15, third) }, func(_, a, _ float64) float64 {
		half := float32(float64(float32(a/0.75)) * 0.5)
		return float64(float32(2*math.RoundToEven(float64(15*(half+0.5)))-15) * third)
	}},
	{"FakeQuantizeBackward", func(dst, a, b []float32) { FakeQuantizeBackward(dst, a, b, 0.25, -3, 12) }, func(_, a, b float64) float64 {
		q := math.RoundToEven(a / 0.25)
		return pick(-3 <= q && q <= 12, b)
	}},
}

const third = float32(1) / 3

func pick(take bool, v float64) float64 {
	if take {
		return v
	}
	return 0
}

func TestElementwise(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for _, f := range vectorCases {
			for n := range 70 {
				dst, a, b := guarded(t, n), awkward(t, n, uint64(n)), awkward(t, n, uint64(1000+n))
				f.run(dst, a, b)
				for i, got := range dst {
					want := f.want(0, float64(a[i]), float64(b[i]))
					if float64(got) != want && !(got != got && want != want) {
						t.Fatalf("%s of %d: element %d of %g, %g is %g, want %g", f.name, n, i, a[i], b[i], got, want)
					}
				}
				// In place.
				f.run(a, a, b)
				sameBits(t, f.name+" in place", a, dst)
			}
		}
	})
}

func TestMinMax(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for n := range 70 {
			src := awkward(t, n, uint64(n))
			wantLo, wantHi := infinity, -infinity
			for _, v := range src {
				if v == v {
					wantLo, wantHi = min(wantLo, v), max(wantHi, v)
				}
			}
			if lo, hi := MinMax(src); lo != wantLo || hi != wantHi {
				t.Fatalf("MinMax of %d = %g, %g, want %g, %g", n, lo, hi, wantLo, wantHi)
			}
		}
	})
}

// sameBits compares two slices bit by bit, all NaNs being one.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%s: element %d is %g (%#x), want %g (%#x)", what, i,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// portably returns what f returns without assembly.
func portably[T any](f func() T) T {
	defer SetTier(SetTier(Portable))
	return f()
}

func TestElementwiseSameBits(t *testing.T) {
	for _, f := range vectorCases {
		for _, n := range []int{1, 7, 8, 9, 31, 32, 33, 64, 100, maxTestVector} {
			a, b := awkward(t, n, 3), awkward(t, n, 4)
			run := func() []float32 {
				dst := guarded(t, n)
				f.run(dst, a, b)
				return dst
			}
			sameBits(t, fmt.Sprintf("%s of %d", f.name, n), run(), portably(run))
		}
	}
}

// maxTestVector exceeds what one assembly call takes.
const maxTestVector = 3<<15 + 5

// channels are numbers of channels around the width of a vector.
var channels = []int{1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 40, 100, 267}

func TestChannelAffine(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for _, n := range channels {
			for _, rows := range []int{1, 2, 5, 64} {
				guard := func(seed uint64, n int) []float32 {
					s := guarded(t, n)
					copy(s, random(n, seed))
					return s
				}
				x, y := guard(1, rows*n), guard(2, rows*n)
				a, b, s := guard(3, n), guard(4, n), guard(5, n)
				check := func(name string, run func(dst []float32), want func(i, c int) float32) {
					t.Helper()
					dst, exact := guard(6, rows*n), make([]float32, rows*n)
					for i := range exact {
						exact[i] = want(i, i%n)
					}
					run(dst)
					sameBits(t, fmt.Sprintf("%s of %d rows of %d", name, rows, n), dst, exact)
				}
				check("ScaleShift", func(dst []float32) { ScaleShift(dst, x, a, b) },
					func(i, c int) float32 { return float32(x[i]*a[c]) + b[c] })
				old := random(rows*n, 6)
				check("AddScaleShift", func(dst []float32) { AddScaleShift(dst, x, a, b) },
					func(i, c int) float32 { return old[i] + (float32(x[i]*a[c]) + b[c]) })
				check("Combine", func(dst []float32) { Combine(dst, x, y, a, b, s) },
					func(i, c int) float32 { return float32(x[i]*a[c]) + float32(y[i]*b[c]) + s[c] })
			}
		}
	})
}

func TestChannelSums(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for _, n := range channels {
			for _, rows := range []int{1, 2, 63, 64, 65, 200} {
				x, y, shift := guarded(t, rows*n), guarded(t, rows*n), guarded(t, n)
				copy(x, random(rows*n, 1))
				copy(y, random(rows*n, 2))
				for c := range shift {
					shift[c] = 1000
				}
				for i := range x {
					x[i] += 1000
				}
				sum, square, dots, dot := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
				sum[0], dot[n-1] = 5, 7
				ChannelMoments(sum, square, x, shift)
				ChannelDots(dots, dot, y, x)
				for c := range n {
					var wantSum, wantSquare, wantDots, wantDot, size, sizeDots, sizeDot float64
					for i := c; i < rows*n; i += n {
						d := float64(x[i]) - 1000
						wantSum += d
						wantSquare += d * d
						size += math.Abs(d)
						wantDots += float64(y[i])
						sizeDots += math.Abs(float64(y[i]))
						wantDot += float64(y[i]) * float64(x[i])
						sizeDot += math.Abs(float64(y[i]) * float64(x[i]))
					}
					if c == 0 {
						wantSum += 5
					}
					if c == n-1 {
						wantDot += 7
					}
					for _, v := range []struct{ got, want, size float64 }{
						{sum[c], wantSum, size}, {square[c], wantSquare, wantSquare}, {dots[c], wantDots, sizeDots}, {dot[c], wantDot, sizeDot},
					} {
						if math.Abs(v.got-v.want) > sumRows*v.size/(1<<24)+1e-12 {
							t.Fatalf("%d rows of %d, channel %d: %g, want %g", rows, n, c, v.got, v.want)
						}
					}
				}
			}
		}
	})
}

func TestChannelSumsSameBits(t *testing.T) {
	for _, n := range channels {
		x, y, shift := random(130*n, 1), random(130*n, 2), random(n, 3)
		run := func() []float64 {
			s := make([]float64, 4*n)
			ChannelMoments(s[:n], s[n:2*n], x, shift)
			ChannelDots(s[2*n:3*n], s[3*n:], y, x)
			return s
		}
		got, want := run(), portably(run)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%d channels: sum %d is %g, want %g", n, i, got[i], want[i])
			}
		}
	}
}

func TestVectorAllocations(t *testing.T) {
	const rows, n = 10, 20
	x, y, a, s := random(rows*n, 1), random(rows*n, 2), random(n, 3), make([]float64, n)
	e, codes := Encoding{Scale: a, Shift: a, Ceil: infinity, Step: third, Most: 3}, make([]uint8, rows*n)
	g := Gate{Scale: a[:16], Shift: a[:16], Limits: Limits{Most: 3, Step: third}}
	allocations := testing.AllocsPerRun(10, func() {
		for _, f := range vectorCases {
			f.run(x, x, y)
		}
		MinMax(x)
		ScaleShift(x, y, a, a)
		AddScaleShift(x, y, a, a)
		Combine(x, x, y, a, a, a)
		ChannelMoments(s, s, x, a)
		ChannelDots(s, s, x, y)
		e.Store(codes, x, y)
		g.Sums(s[:16], s[:16], x[:160], y[:160], y[:160])
		g.StoreSpills(x[:160], x[:160], nil, y[:160])
	})
	if allocations != 0 {
		t.Errorf("%g allocations", allocations)
	}
}
