// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/ste"
)

// TestPowers compares codes with a search of the nearest power, the greater of
// two, at and around every middle, for weights of any size.
func TestPowers(t *testing.T) {
	for bits := 2; bits <= 5; bits++ {
		for _, deviation := range []float64{1, 0.05, 1e-7, 3e8} {
			w := gaussian(300, deviation, uint64(bits))
			p := ste.Powers{Bits: bits}
			p.Fit(w)
			var most float64
			for _, v := range w {
				most = max(most, math.Abs(float64(v)))
			}
			if want := int(math.Floor(math.Log2(4 * most / 3))); p.Top != want {
				t.Fatalf("the greatest power of weights up to %v is 2^%d, want 2^%d", most, p.Top, want)
			}
			book := []float64{0}
			for i := range p.Levels() {
				book = append(book, math.Ldexp(1, p.Top-p.Levels()+1+i))
			}
			for k := 1; k < len(book); k++ {
				w = append(append(w, around(float32(book[k]))...), around(float32((book[k-1]+book[k])/2))...)
			}
			used := map[int]bool{}
			for _, v := range w {
				best := 0
				for k, b := range book {
					a := math.Abs(float64(v))
					if math.Abs(a-b) <= math.Abs(a-book[best]) {
						best = k
					}
				}
				want := best
				if v < 0 {
					want = -best
				}
				code := p.Code(v)
				used[code] = true
				if code != want {
					t.Fatalf("%d bits: the code of %v is %d, want %d of %v", bits, v, code, want, book)
				}
				value := p.Unit() * float32(p.Integer(code))
				if float64(value) != math.Copysign(book[best], float64(want)) && value != 0 || p.Code(value) != code {
					t.Fatalf("%d bits: code %d stands for %v and that has the code %d", bits, code, value, p.Code(value))
				}
			}
			if len(used) != 2*p.Levels()+1 {
				t.Errorf("%d bits: %d codes in use, want %d", bits, len(used), 2*p.Levels()+1)
			}
		}
	}
	p := ste.Powers{Bits: 5}
	if p.Fit(make([]float32, 4)); p.Code(0) != 0 || !(p.Unit() > 0) {
		t.Errorf("zeros: code %d, unit %v", p.Code(0), p.Unit())
	}
	if p.Fit([]float32{math.MaxFloat32}); p.Unit() > math.MaxFloat32 || p.Code(math.MaxFloat32) != 8 {
		t.Errorf("the greatest number: code %d, unit %v", p.Code(math.MaxFloat32), p.Unit())
	}
}
