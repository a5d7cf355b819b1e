// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// statsOf are the statistics of a calibration.
func statsOf(x []float32) graph.Stats {
	s := graph.Stats{Min: inf, Max: -inf, Count: len(x)}
	for _, v := range x {
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		s.Sum += float64(v)
		s.SumAbs += math.Abs(float64(v))
		s.SumSquares += float64(v) * float64(v)
	}
	return s
}

// TestPACTCalibration finds a clip whose square error is close to the least that
// any clip has, for normally distributed values, rectified and not.
func TestPACTCalibration(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for bits := 2; bits <= 8; bits++ {
		for _, signed := range []bool{false, true} {
			a, alpha := activation(t, "pact", qat.Options{Bits: bits, Signed: signed})
			x := make([]float32, 20000)
			for i := range x {
				x[i] = float32(1.7 * rng.NormFloat64())
				if !signed {
					x[i] = max(0, x[i])
				}
			}
			squareError := func(clip float32) (sum float64) {
				y := make([]float32, len(x))
				alpha.Value[0] = clip
				a.Begin(&graph.Run{})
				a.Forward(y, x)
				for i := range x {
					d := float64(x[i] - y[i])
					sum += d * d
				}
				return sum
			}
			s := statsOf(x)
			least := math.Inf(1)
			for k := range 200 {
				least = min(least, squareError(s.Max*float32(k+1)/200))
			}
			alpha.Value[0] = s.Max
			a.Observe(&graph.Run{}, s)
			if alpha.Value[0] != s.Max {
				t.Errorf("the clip moved without a calibration")
			}
			a.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, s)
			got := alpha.Value[0]
			most := 1.1
			if signed && bits == 2 {
				most = 1.4 // the clip is that of 4 levels, PACT has 3 about 0
			}
			if ratio := squareError(got) / least; ratio > most {
				t.Errorf("%d bits, signed %v: the square error at the clip %v is %.3f times the least", bits, signed, got, ratio)
			}
			// Values that do not reach the clip of a normal distribution.
			a.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, statsOf([]float32{0.5, 0.5, 0.5, 0.4, 0}))
			if alpha.Value[0] > 0.5 {
				t.Errorf("%d bits, signed %v: the clip of values up to 0.5 is %v", bits, signed, alpha.Value[0])
			}
		}
	}
}

// TestPACTStaysInItsDomain steps with gradients and learning rates of any size.
func TestPACTStaysInItsDomain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for bits := 2; bits <= 8; bits++ {
		for _, signed := range []bool{false, true} {
			a, alpha := activation(t, "pact", qat.Options{Bits: bits, Signed: signed})
			for i := range 2000 {
				rate := math.Exp2(float64(rng.IntN(300) - 150))
				step := float32(rate * rng.NormFloat64())
				switch i % 50 {
				case 0:
					step = inf
				case 1:
					step = -inf
				case 2:
					step = nan
				case 3:
					step = -math.MaxFloat32
				}
				alpha.Value[0] -= step
				a.Constrain()
				if v := alpha.Value[0]; !(v > 0) || v > math.MaxFloat32 {
					t.Fatalf("step %v: the clip is %v", step, v)
				}
				q := a.Quantization()
				if !(q.Scale > 0) || q.Scale > math.MaxFloat32 {
					t.Fatalf("clip %v: the scale is %v", alpha.Value[0], q.Scale)
				}
				x := []float32{-1e30, -1, 0, 1e-30, 1, 1e30}
				y := make([]float32, len(x))
				a.Begin(&graph.Run{})
				a.Forward(y, x)
				for k, v := range y {
					if math.Abs(float64(v)) > float64(alpha.Value[0])*1.0001 || v != v || (x[k] == 0 && v != 0) {
						t.Fatalf("clip %v: %v became %v", alpha.Value[0], x[k], v)
					}
				}
			}
		}
	}
}
