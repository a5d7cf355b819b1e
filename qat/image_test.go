// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// TestImage narrows images: every code is one of the nearest, 0 stays exact, and
// the order of codes too.
func TestImage(t *testing.T) {
	for bits := 1; bits <= 7; bits++ {
		for _, zero := range []int32{0, 73, 128, 200, 255} {
			for _, power := range []bool{false, true} {
				p := quant.Params{Scale: 0.0113, ZeroPoint: zero}
				a := qat.Image(bits, p, power)
				q := a.Quantization()
				top := int32(1)<<bits - 1
				if a.Bits() != bits || q.Lo != 0 || q.Hi != top || q.ZeroPoint < 0 || q.ZeroPoint > top {
					t.Fatalf("%d bits: %+v", bits, q)
				}
				if f, _ := math.Frexp(float64(q.Scale)); power && f != 0.5 || q.Scale < 0.999*p.Scale*255/float32(top) {
					t.Errorf("%d bits, zero point %d: the scale is %v", bits, zero, q.Scale)
				}
				last := float32(math.Inf(-1))
				for code := range int32(256) {
					x := []float32{p.Real(code)}
					a.Begin(&graph.Run{})
					y := []float32{0}
					a.Forward(y, x)
					if math.Abs(float64(y[0]-x[0])) > 1.001*float64(q.Scale) || y[0] < last || code == zero && y[0] != 0 {
						t.Fatalf("%d bits, zero point %d: code %d, %v, became %v at scale %v", bits, zero, code, x[0], y[0], q.Scale)
					}
					last = y[0]
				}
			}
		}
	}
}
