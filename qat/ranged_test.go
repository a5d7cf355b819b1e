// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// TestSetRangeCoversTheRange gives ranges to the tensors of every method that
// takes them: the codes reach both ends, to half a step, and no farther than the
// method's codes make them.
func TestSetRangeCoversTheRange(t *testing.T) {
	ranged := 0
	for _, m := range qat.Methods() {
		for _, bits := range m.Info().ActivationBits {
			for _, signed := range []bool{false, true} {
				if bits == 1 && signed {
					continue
				}
				pool := graph.NewPool(1)
				g := graph.New(1, pool)
				a, ok := m.Activation(g, "x", qat.Options{Bits: bits, Signed: signed, Size: 10}).(qat.Ranged)
				pool.Close()
				if !ok {
					continue
				}
				ranged++
				lo, hi := float32(0), float32(3)
				if signed {
					lo = -2.5
				}
				a.SetRange(lo, hi)
				q := a.Quantization()
				least, most := q.Real(q.Lo), q.Real(q.Hi)
				if half := q.Scale / 2; least > lo+half || most < hi-half {
					t.Errorf("%s, %d bits, signed %v: codes cover [%v, %v], want [%v, %v]", m.Info().Name, bits, signed, least, most, lo, hi)
				}
				if span := float64(most - least); span > 2*float64(hi-lo)+1e-6 && bits > 2 || math.IsNaN(span) {
					t.Errorf("%s, %d bits, signed %v: codes cover [%v, %v], much more than [%v, %v]", m.Info().Name, bits, signed, least, most, lo, hi)
				}
			}
		}
	}
	if ranged == 0 {
		t.Error("no method takes a range")
	}
}
