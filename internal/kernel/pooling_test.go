// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"testing"
)

var windows = []Pooling{
	pooling(2, 2, 1, 2, 2, 2, 2, 0, 0, 0, 0),
	pooling(8, 8, 16, 2, 2, 2, 2, 0, 0, 0, 0),
	pooling(9, 7, 13, 3, 3, 2, 2, 1, 1, 1, 1),
	pooling(5, 6, 8, 3, 2, 1, 1, 2, 1, 0, 0),
	pooling(7, 7, 10, 7, 7, 1, 1, 0, 0, 0, 0),
	pooling(6, 11, 24, 2, 3, 3, 5, 0, 0, 1, 2),
	pooling(16, 16, 3, 16, 16, 1, 1, 0, 0, 0, 0),
}

// eachTap calls f for every input that an output's window covers, in the order
// of the window.
func eachTap(w Pooling, batch int, f func(out, in int)) {
	for n := range batch {
		for i := range w.OutSize() {
			oh, ow, c := i/w.C/w.OutW(), i/w.C%w.OutW(), i%w.C
			for kh := range w.Kernel[0] {
				for kw := range w.Kernel[1] {
					h, v := oh*w.Stride[0]-w.Pad[0]+kh, ow*w.Stride[1]-w.Pad[1]+kw
					if h >= 0 && h < w.InH && v >= 0 && v < w.InW {
						f(n*w.OutSize()+i, n*w.InSize()+(h*w.InW+v)*w.C+c)
					}
				}
			}
		}
	}
}

func TestMaxPool(t *testing.T) {
	const batch = 3
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, w := range windows {
			x, dy := guarded(t, batch*w.InSize()), random(batch*w.OutSize(), 2)
			for i, v := range random(len(x), 1) {
				x[i] = float32(math.Round(float64(v))) // many equal ones
			}
			x[len(x)/2] = float32(math.NaN())
			y, dx := guarded(t, len(dy)), random(len(x), 3)
			p := NewMaxPool(w, batch, pool)
			p.Forward(Real(y), Real(x), batch)
			p.Backward(dx, dy, batch)

			best := make([]int, len(y))
			for i := range best {
				best[i] = -1
			}
			eachTap(w, batch, func(out, in int) {
				if b := best[out]; b < 0 || x[in] > x[b] || x[in] != x[in] && x[b] == x[b] {
					best[out] = in
				}
			})
			wantY, wantX := make([]float32, len(y)), make([]float64, len(x))
			size := make([]float64, len(x))
			for i, b := range best {
				wantY[i] = x[b]
				wantX[b] += float64(dy[i])
				size[b] += math.Abs(float64(dy[i]))
			}
			sameBits(t, "y", y, wantY)
			near(t, "dx", dx, wantX, size, 8)
		}
	})
}

func TestAvgPool(t *testing.T) {
	const batch = 3
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, w := range windows {
			factors := random(w.OutH()*w.OutW(), 5)
			factor := func(out int) float64 { return float64(factors[out%w.OutSize()/w.C]) }
			x, dy := random(batch*w.InSize(), 1), random(batch*w.OutSize(), 2)
			y, dx := random(len(dy), 3), random(len(x), 4)
			p := NewAvgPool(w, pool)
			p.Forward(y, Real(x), batch, factors)
			p.Backward(dx, dy, batch, factors)
			wantY, sizeY := make([]float64, len(y)), make([]float64, len(y))
			wantX, sizeX := make([]float64, len(x)), make([]float64, len(x))
			eachTap(w, batch, func(out, in int) {
				wantY[out] += float64(x[in]) * factor(out)
				sizeY[out] += math.Abs(float64(x[in]) * factor(out))
				wantX[in] += float64(dy[out]) * factor(out)
				sizeX[in] += math.Abs(float64(dy[out]) * factor(out))
			})
			near(t, "y", y, wantY, sizeY, 64)
			near(t, "dx", dx, wantX, sizeX, 8)
		}
	})
}

func TestWindowValidate(t *testing.T) {
	dilated := pooling(8, 8, 1, 2, 2, 1, 1, 0, 0, 0, 0)
	dilated.Dilation = [2]int{2, 1}
	for _, w := range []Pooling{
		pooling(0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
		pooling(2, 2, 1, 3, 3, 1, 1, 0, 0, 0, 0),
		pooling(4, 4, 1, 2, 2, 2, 2, 2, 0, 0, 0),
		pooling(4, 4, 1, 2, 2, 0, 2, 0, 0, 0, 0),
		dilated,
	} {
		if err := w.Validate(); err == nil {
			t.Errorf("%+v is valid", w)
		}
	}
}
