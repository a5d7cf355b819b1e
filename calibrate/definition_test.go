// SPDX-License-Identifier: Apache-2.0

package calibrate_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/calibrate"
)

// TestAnalyticAgainstItsDefinition computes the ranges of ACIQ from the values themselves: their spread from its formula,
// without bins, and the clip by trying where the error is least, its tail integrated numerically. They agree within a
// thousandth, and two bins for the rounding of values to their bins.
func TestAnalyticAgainstItsDefinition(t *testing.T) {
	gauss := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	laplace := func(x float64) float64 { return math.Exp(-x) / 2 }
	for rule, density := range map[string]func(float64) float64{"aciq-gauss": gauss, "aciq-laplace": laplace} {
		for name := range distributions {
			x := draw(name, 30000)
			least, most := min(0, float64(slices.Min(x))), max(0, float64(slices.Max(x)))
			bin := max(-least, most) / 2048
			for _, bits := range []int{3, 4, 8} {
				r := found(t, rule, calibrate.Grid{Bits: bits}, x, 1000, calibrate.Options{})
				var want calibrate.Range
				if least == 0 {
					want.Hi = min(most, leastError(density, bits+1)*spreadOf(rule, x, true))
				} else {
					mean, clip := meanOf(x), leastError(density, bits)*spreadOf(rule, x, false)
					want = calibrate.Range{Lo: min(0, max(least, mean-clip)), Hi: max(0, min(most, mean+clip))}
				}
				if d := max(math.Abs(r.Lo-want.Lo), math.Abs(r.Hi-want.Hi)); d > 2*bin+1e-3*(want.Hi-want.Lo) {
					t.Errorf("%s, %s, %d bits: %v, want %v", rule, name, bits, r, want)
				}
			}
		}
	}
}

func meanOf(x []float32) (mean float64) {
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	return mean
}

// spreadOf is the deviation for aciq-gauss and the mean magnitude for aciq-laplace, about the mean; of a rectified tensor that
// of the whole distribution about 0, of which half is seen.
func spreadOf(rule string, x []float32, rectified bool) float64 {
	mean, part := meanOf(x), 1.0
	if rectified {
		mean, part = 0, 2
	}
	var sum float64
	for _, v := range x {
		d := math.Abs(float64(v) - mean)
		if rule == "aciq-gauss" {
			d *= d
		}
		sum += part * d / float64(len(x))
	}
	if rule == "aciq-gauss" {
		return math.Sqrt(sum)
	}
	return sum
}

// leastError is the clip with the least error of quantizing a symmetric density to so many bits: twice the integral of
// (x − α)²·density beyond α, and α²/(3·4^bits) for the rounding.
func leastError(density func(float64) float64, bits int) float64 {
	loss := func(clip float64) float64 {
		const step = 1.0 / 64
		sum := 0.0
		for x := step / 2; x < 30; x += step {
			sum += 2 * step * x * x * density(clip+x)
		}
		return sum + clip*clip/(3*math.Exp2(2*float64(bits)))
	}
	lo, hi := 0.0, 20.0
	for range 40 { // thirds: the error has one minimum
		a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
		if loss(a) < loss(b) {
			hi = b
		} else {
			lo = a
		}
	}
	return (lo + hi) / 2
}

// TestMemoryDoesNotGrow shows many images to every rule: once bins are there, an image takes no memory.
func TestMemoryDoesNotGrow(t *testing.T) {
	x := draw("normal", 1000)
	for _, rule := range calibrate.Rules() {
		c := rule.New(calibrate.Options{})
		c.Image(x)
		if n := testing.AllocsPerRun(100, func() { c.Image(x) }); n > 0 {
			t.Errorf("%s: %v allocations an image", rule.Name, n)
		}
	}
}
