// SPDX-License-Identifier: Apache-2.0

package calibrate_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/calibrate"
)

// TestEntropyAgainstItsDefinition compares with the algorithm as it was
// published, with every distribution written out: the divergence at the
// threshold found is the least one, to a relative 1e-9, and the threshold the
// same but where two divergences differ by less.
func TestEntropyAgainstItsDefinition(t *testing.T) {
	for name := range distributions {
		x := draw(name, 30000)
		for _, bits := range []int{4, 8} {
			r := found(t, "kl", calibrate.Grid{Bits: bits}, x, 1000, calibrate.Options{})
			levels := 1 << bits
			if slices.Min(x) < 0 {
				levels /= 2
			}
			counts, width := magnitudes(x)
			want, least := len(counts), math.Inf(1)
			divergences := make([]float64, len(counts)+1)
			for i := levels; i <= len(counts); i++ {
				divergences[i] = divergence(counts, i, levels)
				if divergences[i] <= least {
					want, least = i, divergences[i]
				}
			}
			got := int(math.Ceil(max(-r.Lo, r.Hi) / width))
			if got != want && math.Abs(divergences[got]-least) > 1e-9*least {
				t.Errorf("%s, %d bits: threshold after %d bins, divergence %.6g; want %d, %.6g", name, bits, got, divergences[got], want, least)
			}
		}
	}
}

// magnitudes counts |x|, without zeros, in bins of the greatest power of two for
// which the greatest magnitude lies beyond the 2,048th.
func magnitudes(x []float32) (counts []float64, width float64) {
	most := float64(max(-slices.Min(x), slices.Max(x)))
	width = 1
	for most/width < 2048 {
		width /= 2
	}
	for most/width >= 4096 {
		width *= 2
	}
	counts = make([]float64, int(most/width)+1)
	for _, v := range x {
		if v != 0 {
			// Bins of negative values close below.
			i := math.Floor(float64(v) / width)
			if v < 0 {
				i = -i - 1
			}
			counts[int(i)]++
		}
	}
	return counts, width
}

// divergence is that of Kullback and Leibler after i bins: reference and
// candidate are written out bin by bin and normalized.
func divergence(counts []float64, i, levels int) float64 {
	p := append([]float64(nil), counts[:i]...)
	for _, n := range counts[i:] {
		p[i-1] += n
	}
	q := make([]float64, i)
	for l := range levels {
		lo, hi := i*l/levels, i*(l+1)/levels
		sum, filled := 0.0, 0.0
		for _, n := range counts[lo:hi] {
			sum += n
			if n > 0 {
				filled++
			}
		}
		for j := lo; j < hi; j++ {
			if counts[j] > 0 {
				q[j] = sum / filled
			}
		}
	}
	var sumP, sumQ, d float64
	for j := range p {
		sumP += p[j]
		sumQ += q[j]
	}
	for j := range p {
		if p[j] == 0 {
			continue
		}
		if q[j] == 0 {
			return math.Inf(1)
		}
		d += p[j] / sumP * math.Log(p[j]/sumP/(q[j]/sumQ))
	}
	return d
}

// TestEntropyWarnsOfSpikes has a tensor of which a fifth has one value.
func TestEntropyWarnsOfSpikes(t *testing.T) {
	for _, c := range []struct {
		spiked bool
		part   int
	}{{true, 5}, {false, 1 << 20}} {
		x := draw("rectified normal", 20000)
		for i := 0; i < len(x); i += c.part {
			x[i] = 0.25
		}
		rule, _ := calibrate.Lookup("kl")
		k := rule.New(calibrate.Options{})
		k.Image(x)
		if w := k.(interface{ Warn() string }).Warn(); (w != "") != c.spiked {
			t.Errorf("one value in %d: warning %q", c.part, w)
		}
	}
}

// TestEntropyOfFewValues has the weights of a channel: there is a threshold with one filled
// bin before it whose divergence is 0, and what is found covers all.
func TestEntropyOfFewValues(t *testing.T) {
	x := draw("normal", 144)
	counts, _ := magnitudes(x)
	first := slices.IndexFunc(counts[8:], func(n float64) bool { return n > 0 }) + 8
	for i := range 8 {
		counts[i] = 0
	}
	if d := divergence(counts, first+1, 8); d != 0 {
		t.Errorf("divergence %v", d)
	}
	r := found(t, "kl", calibrate.Grid{Bits: 4, Symmetric: true}, x, 144, calibrate.Options{})
	if most := float64(max(-slices.Min(x), slices.Max(x))); r.Hi != most || r.Lo != -most {
		t.Errorf("[%v, %v], want ±%v", r.Lo, r.Hi, most)
	}
}
