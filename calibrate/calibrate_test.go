// SPDX-License-Identifier: Apache-2.0

package calibrate_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/calibrate"
)

// The distributions of the tests: what layers have before and after a ReLU, with
// light and heavy tails.
var distributions = map[string]func(*rand.Rand) float64{
	"normal":            func(r *rand.Rand) float64 { return r.NormFloat64() },
	"shifted":           func(r *rand.Rand) float64 { return 0.3 + 2*r.NormFloat64() },
	"rectified normal":  func(r *rand.Rand) float64 { return max(0, r.NormFloat64()) },
	"laplace":           laplace,
	"rectified laplace": func(r *rand.Rand) float64 { return max(0, laplace(r)) },
	"lognormal":         func(r *rand.Rand) float64 { return math.Exp(1.5 * r.NormFloat64()) },
	"negative":          func(r *rand.Rand) float64 { return -r.ExpFloat64() },
}

func laplace(r *rand.Rand) float64 {
	if r.Uint64()&1 == 0 {
		return -r.ExpFloat64()
	}
	return r.ExpFloat64()
}

// draw returns n values of a distribution.
func draw(name string, n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(distributions[name](r))
	}
	return x
}

// found returns the range that a rule finds for values shown as images of a size.
func found(t *testing.T, rule string, g calibrate.Grid, x []float32, size int, o calibrate.Options) calibrate.Range {
	t.Helper()
	k, err := calibrate.Lookup(rule)
	if err != nil {
		t.Fatal(err)
	}
	c := k.New(o)
	for image := range slices.Chunk(x, size) {
		c.Image(image)
	}
	r, err := c.Range(g)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRangesLieWithinTheValuesSeen holds every rule to the promises of
// [calibrate.Calibrator].
func TestRangesLieWithinTheValuesSeen(t *testing.T) {
	for _, rule := range calibrate.Rules() {
		for name := range distributions {
			x := draw(name, 20000)
			lo, hi := min(0, slices.Min(x)), max(0, slices.Max(x))
			for bits := 1; bits <= 8; bits++ {
				r := found(t, rule.Name, calibrate.Grid{Bits: bits}, x, 1000, calibrate.Options{})
				if rule.Name == "mse" && lo < 0 && hi > 0 {
					r = calibrate.Range{Lo: max(r.Lo, float64(lo)), Hi: min(r.Hi, float64(hi))}
				}
				if !(r.Lo >= float64(lo) && r.Lo <= 0 && r.Hi >= 0 && r.Hi <= float64(hi) && r.Hi > r.Lo) {
					t.Errorf("%s, %s, %d bits: %v, the values are %v to %v", rule.Name, name, bits, r, lo, hi)
				}
				r = found(t, rule.Name, calibrate.Grid{Bits: bits, Symmetric: true}, x, 1000, calibrate.Options{})
				if !(r.Lo == -r.Hi && r.Hi > 0 && r.Hi <= float64(max(-lo, hi))) {
					t.Errorf("%s, %s, %d bits, symmetric: %v", rule.Name, name, bits, r)
				}
			}
		}
	}
}

// TestRangesDoNotDependOnTheOrderOfImages shows the images of a tensor in another
// order; rules that add numbers up may differ by the rounding of the sums.
func TestRangesDoNotDependOnTheOrderOfImages(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, rule := range calibrate.Rules() {
		x := draw("shifted", 1<<14)
		images := slices.Collect(slices.Chunk(x, 256))
		g := calibrate.Grid{Bits: 8}
		want := found(t, rule.Name, g, x, 256, calibrate.Options{})
		rng.Shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
		got := found(t, rule.Name, g, slices.Concat(images...), 256, calibrate.Options{})
		tolerance := 0.0
		if rule.Name == "average" || rule.Name == "stddev" {
			tolerance = 1e-12
		}
		if math.Abs(got.Lo-want.Lo) > tolerance || math.Abs(got.Hi-want.Hi) > tolerance {
			t.Errorf("%s: %v, in another order %v", rule.Name, want, got)
		}
	}
}

func TestEmptyAndInfiniteAndZero(t *testing.T) {
	for _, rule := range calibrate.Rules() {
		g := calibrate.Grid{Bits: 8}
		if _, err := rule.New(calibrate.Options{}).Range(g); !errors.Is(err, calibrate.ErrNoValues) {
			t.Errorf("%s without an image: %v", rule.Name, err)
		}
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			c := rule.New(calibrate.Options{})
			c.Image([]float32{1, float32(bad)})
			if _, err := c.Range(g); !errors.Is(err, calibrate.ErrNotFinite) {
				t.Errorf("%s with %v: %v", rule.Name, bad, err)
			}
		}
		if r := found(t, rule.Name, g, make([]float32, 100), 10, calibrate.Options{}); r != (calibrate.Range{}) {
			t.Errorf("%s of zeros: %v", rule.Name, r)
		}
	}
	if _, err := calibrate.Lookup("msee"); err == nil {
		t.Error("an unknown rule is found")
	}
}

// TestSimpleRules holds the rules of a line to that line.
func TestSimpleRules(t *testing.T) {
	x := []float32{-1, 2, 4, -3, 8, 0, 1, 1, 2} // images of three values
	g := calibrate.Grid{Bits: 8}
	for rule, want := range map[string]calibrate.Range{
		"minmax":  {Lo: -3, Hi: 8},
		"average": {Lo: -4.0 / 3, Hi: 14.0 / 3},
	} {
		if got := found(t, rule, g, x, 3, calibrate.Options{}); got != want {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
	n := 1.5
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	mean := sum / 9
	sigma := math.Sqrt(squares/9 - mean*mean)
	got := found(t, "stddev", g, x, 3, calibrate.Options{Deviations: n})
	if math.Abs(got.Lo-(mean-n*sigma)) > 1e-12 || math.Abs(got.Hi-(mean+n*sigma)) > 1e-12 {
		t.Errorf("stddev: %v, want %v ± %v", got, mean, n*sigma)
	}
}

// TestPercentileAgainstSorting compares with the sorted values: at least so many
// are in the range, and fewer would be one bin further in.
func TestPercentileAgainstSorting(t *testing.T) {
	for name := range distributions {
		x := draw(name, 50000)
		for _, percent := range []float64{99, 99.9, 99.99} {
			r := found(t, "percentile", calibrate.Grid{Bits: 8}, x, 500, calibrate.Options{Percentile: percent})
			width := float64(max(-slices.Min(x), slices.Max(x))) / 2048
			most := (1 - percent/100) * float64(len(x))
			if slices.Min(x) < 0 && slices.Max(x) > 0 {
				most /= 2
			}
			count := func(f func(float64) bool) (n float64) {
				for _, v := range x {
					if f(float64(v)) {
						n++
					}
				}
				return n
			}
			if n := count(func(v float64) bool { return v > r.Hi }); n > most {
				t.Errorf("%s, %v %%: %v values above %v, more than %v", name, percent, n, r.Hi, most)
			}
			if n := count(func(v float64) bool { return v < r.Lo }); n > most {
				t.Errorf("%s, %v %%: %v values below %v, more than %v", name, percent, n, r.Lo, most)
			}
			if r.Hi > width && count(func(v float64) bool { return v >= r.Hi-width }) <= most {
				t.Errorf("%s, %v %%: the range could end a bin before %v", name, percent, r.Hi)
			}
		}
	}
}

// TestMeanSquaresAgainstAllRanges compares the squared error, of the values
// themselves, with the least over a fine grid of ranges.
func TestMeanSquaresAgainstAllRanges(t *testing.T) {
	for name := range distributions {
		x := draw(name, 4000)
		lo, hi := float64(min(0, slices.Min(x))), float64(max(0, slices.Max(x)))
		for _, bits := range []int{2, 4, 8} {
			least := math.Inf(1)
			const parts = 60
			for i := range parts + 1 {
				for j := range parts + 1 {
					if lo*float64(i)+hi*float64(j) == 0 && i+j == 0 || lo == 0 && i > 0 || hi == 0 && j > 0 {
						continue
					}
					if r := (calibrate.Range{Lo: lo * float64(i) / parts, Hi: hi * float64(j) / parts}); r.Hi > r.Lo {
						least = min(least, squaredError(x, r, bits))
					}
				}
			}
			r := found(t, "mse", calibrate.Grid{Bits: bits}, x, 100, calibrate.Options{})
			if got := squaredError(x, r, bits); got > 1.02*least {
				t.Errorf("%s, %d bits: the error of %v is %.4g, of the best range %.4g", name, bits, r, got, least)
			}
		}
	}
}

// squaredError is Σ (x − x̂)², written from the definition of affine quantization.
func squaredError(x []float32, r calibrate.Range, bits int) float64 {
	top := math.Exp2(float64(bits)) - 1
	scale := (r.Hi - r.Lo) / top
	zero := math.RoundToEven(-r.Lo / scale)
	var sum float64
	for _, v := range x {
		q := min(max(math.RoundToEven(float64(v)/scale)+zero, 0), top)
		d := float64(v) - scale*(q-zero)
		sum += d * d
	}
	return sum
}
