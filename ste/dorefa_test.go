// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/ste"
)

func TestDoReFaFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for bits := 2; bits <= 8; bits++ {
		n := math.Exp2(float64(bits)) - 1
		for _, deviation := range []float64{0, 1e-6, 0.05, 1, 30} {
			w, dy := []float32{0, 0}, []float32{1, 1}
			for range 200 {
				w, dy = append(w, float32(deviation*rng.NormFloat64())), append(dy, float32(rng.NormFloat64()))
			}
			slices.Sort(w)
			var most float64
			for _, v := range w {
				most = max(most, math.Abs(math.Tanh(float64(v))))
			}
			d := &ste.DoReFa{Bits: bits}
			if m := d.Measure(w); math.Abs(float64(m)-most) > 1e-7*most {
				t.Errorf("the greatest tanh is %v, want %v", m, most)
			}
			dw, codes := make([]float32, len(w)), make([]float32, len(w))
			for _, at := range []int{0, 70} { // in two parts
				part := w[at:min(at+70, len(w))]
				if at > 0 {
					part = w[at:]
				}
				d.Squeeze(codes[at:at+len(part)], part, at, 1)
				d.Backward(dw[at:at+len(part)], dy[at:at+len(part)], at, 0.5)
			}
			last := math.Inf(-1)
			for i, v := range w {
				u, gain := 0.0, 0.0
				if most > 0 {
					u = math.Tanh(float64(v)) / most
					gain = 0.5 * (1 - math.Pow(math.Tanh(float64(v)), 2)) / most
				}
				code := float64(codes[i])
				if exact := n * (u/2 + 0.5); math.Abs((code+n)/2-exact) > 0.5+1e-4 {
					t.Errorf("%d bits: weight %v has the code %v, want 2·%v − %v rounded", bits, v, code, exact, n)
				}
				if math.Mod(code, 2) == 0 || math.Abs(code) > n || code < last {
					t.Errorf("%d bits: weight %v has the code %v after %v", bits, v, code, last)
				}
				last = code
				if want := float64(dy[i]) * gain; math.Abs(float64(dw[i])-want) > 1e-5*math.Abs(want)+1e-6*math.Abs(float64(dy[i])) {
					t.Errorf("%d bits: the gradient at %v is %v, want %v", bits, v, dw[i], want)
				}
			}
			if most > 0 && float64(max(codes[0], -codes[0], codes[len(w)-1])) != n {
				t.Errorf("%d bits: the greatest weight has not the code %v", bits, n)
			}
			for i := 1; deviation == 0 && i < len(w); i++ {
				if dw[i] != 0 {
					t.Errorf("weights of zeros have the gradient %v", dw[i])
				}
			}
		}
	}
}
