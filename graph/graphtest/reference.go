// SPDX-License-Identifier: Apache-2.0

package graphtest

import (
	"math"

	"github.com/goqat/goqat/geometry"
)

// A Tensor is [N, H, W, C] in float64.
type Tensor struct {
	N, H, W, C int
	Data       []float64
}

// Zeros returns a tensor of zeros.
func Zeros(n, h, w, c int) Tensor {
	return Tensor{n, h, w, c, make([]float64, n*h*w*c)}
}

// At returns a value, and pad outside of the image.
func (t Tensor) At(n, h, w, c int, pad float64) float64 {
	if h < 0 || h >= t.H || w < 0 || w >= t.W {
		return pad
	}
	return t.Data[((n*t.H+h)*t.W+w)*t.C+c]
}

// each calls f with the place of every value of t, in order.
func (t Tensor) each(f func(i, n, h, w, c int)) {
	for i := range t.Data {
		f(i, i/(t.H*t.W*t.C), i/(t.W*t.C)%t.H, i/t.C%t.W, i%t.C)
	}
}

// Map returns f of every value.
func (t Tensor) Map(f func(float64) float64) Tensor {
	y := Zeros(t.N, t.H, t.W, t.C)
	for i, v := range t.Data {
		y.Data[i] = f(v)
	}
	return y
}

// Add returns t + u.
func (t Tensor) Add(u Tensor) Tensor {
	y := Zeros(t.N, t.H, t.W, t.C)
	for i := range y.Data {
		y.Data[i] = t.Data[i] + u.Data[i]
	}
	return y
}

// Flat returns the images as vectors.
func (t Tensor) Flat() Tensor { return Tensor{t.N, 1, 1, t.H * t.W * t.C, t.Data} }

// outputs returns zeros of the size of what a window makes of t.
func outputs(t Tensor, win geometry.Window, channels int) Tensor {
	d := win.Dilated()
	h := t.H + win.Pad[0] + win.Pad[2] - (win.Kernel[0]-1)*d[0] - 1
	w := t.W + win.Pad[1] + win.Pad[3] - (win.Kernel[1]-1)*d[1] - 1
	return Zeros(t.N, h/win.Stride[0]+1, w/win.Stride[1]+1, channels)
}

// Conv is the definition of a convolution, out channels by weights [out, kernel
// height, kernel width, C/groups].
func (t Tensor) Conv(w []float64, out int, win geometry.Window) Tensor {
	groups := max(1, win.Groups)
	in := t.C / groups
	y, d := outputs(t, win, out), win.Dilated()
	y.each(func(i, n, h, v, o int) {
		first := o / (out / groups) * in
		for kh := range win.Kernel[0] {
			for kw := range win.Kernel[1] {
				for c := range in {
					y.Data[i] += w[((o*win.Kernel[0]+kh)*win.Kernel[1]+kw)*in+c] * t.At(n, h*win.Stride[0]+kh*d[0]-win.Pad[0], v*win.Stride[1]+kw*d[1]-win.Pad[1], first+c, 0)
				}
			}
		}
	})
	return y
}

// Linear is a convolution of a 1×1 image.
func (t Tensor) Linear(w []float64, out int) Tensor {
	return t.Conv(w, out, geometry.Window{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}})
}

// Bias adds one value a channel.
func (t Tensor) Bias(b []float64) Tensor {
	y := Zeros(t.N, t.H, t.W, t.C)
	y.each(func(i, _, _, _, c int) { y.Data[i] = t.Data[i] + b[c] })
	return y
}

// Moments returns the mean and the biased variance of every channel.
func (t Tensor) Moments() (mean, variance []float64) {
	mean, variance = make([]float64, t.C), make([]float64, t.C)
	count := float64(t.N * t.H * t.W)
	t.each(func(i, _, _, _, c int) { mean[c] += t.Data[i] / count })
	t.each(func(i, _, _, _, c int) { variance[c] += (t.Data[i] - mean[c]) * (t.Data[i] - mean[c]) / count })
	return mean, variance
}

// Normalize is batch normalization with given statistics.
func (t Tensor) Normalize(gamma, beta, mean, variance []float64, epsilon float64) Tensor {
	y := Zeros(t.N, t.H, t.W, t.C)
	y.each(func(i, _, _, _, c int) {
		y.Data[i] = gamma[c]*(t.Data[i]-mean[c])/math.Sqrt(variance[c]+epsilon) + beta[c]
	})
	return y
}

// BatchNorm is batch normalization with the statistics of t itself.
func (t Tensor) BatchNorm(gamma, beta []float64, epsilon float64) Tensor {
	mean, variance := t.Moments()
	return t.Normalize(gamma, beta, mean, variance, epsilon)
}

// ReLU is max(x, 0).
func (t Tensor) ReLU() Tensor { return t.Map(func(x float64) float64 { return max(x, 0) }) }

// ReLU6 is min(max(x, 0), 6).
func (t Tensor) ReLU6() Tensor { return t.Map(func(x float64) float64 { return min(max(x, 0), 6) }) }

// pool folds each window, positions outside of the image left out.
func (t Tensor) pool(win geometry.Window, start float64, f func(sum, x float64) float64) Tensor {
	y := outputs(t, win, t.C)
	y.each(func(i, n, h, w, c int) {
		sum := start
		for kh := range win.Kernel[0] {
			for kw := range win.Kernel[1] {
				if x := t.At(n, h*win.Stride[0]+kh-win.Pad[0], w*win.Stride[1]+kw-win.Pad[1], c, math.NaN()); x == x {
					sum = f(sum, x)
				}
			}
		}
		y.Data[i] = sum
	})
	return y
}

// MaxPool is the maximum over each window.
func (t Tensor) MaxPool(win geometry.Window) Tensor {
	return t.pool(win, math.Inf(-1), func(sum, x float64) float64 { return max(sum, x) })
}

// AvgPool is the mean over each window: with its padding, as zeros, or without.
func (t Tensor) AvgPool(win geometry.Window, counted bool) Tensor {
	sums := t.pool(win, 0, func(sum, x float64) float64 { return sum + x })
	taps := Zeros(t.N, t.H, t.W, t.C).Map(func(float64) float64 { return 1 }).pool(win, 0, func(sum, x float64) float64 { return sum + x })
	for i, n := range taps.Data {
		if counted {
			n = float64(win.Kernel[0] * win.Kernel[1])
		}
		sums.Data[i] /= n
	}
	return sums
}

// Softmax returns softmax(x/temperature) of every image.
func (t Tensor) Softmax(temperature float64) Tensor {
	y := t.Map(func(x float64) float64 { return math.Exp(x / temperature) })
	for n := range t.N {
		row := y.Data[n*t.C : (n+1)*t.C]
		var sum float64
		for _, v := range row {
			sum += v
		}
		for c := range row {
			row[c] /= sum
		}
	}
	return y
}

// CrossEntropy is the mean over the images of -Σ target·log softmax(x/temperature).
func (t Tensor) CrossEntropy(target []float64, temperature float64) float64 {
	var loss float64
	for i, p := range t.Softmax(temperature).Data {
		loss -= target[i] * math.Log(p) / float64(t.N)
	}
	return loss
}

// OneHot returns a row of targets for each label.
func OneHot(labels []int32, classes int) []float64 {
	y := make([]float64, len(labels)*classes)
	for n, l := range labels {
		y[n*classes+int(l)] = 1
	}
	return y
}
