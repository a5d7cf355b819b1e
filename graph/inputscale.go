// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/geometry"
)

// ScaleByInput multiplies y, the convolution by window w of the signs of x, by
// what the signs leave out: K, the mean magnitude of x over the channels and the
// positions of each window, zeros where it is padded (Rastegari et al. 2016,
// section 3.2). K counts as a constant in the gradient. Float runs pass y on;
// Integer runs have no such form.
func (g *Graph) ScaleByInput(name string, y, x *Node, w geometry.Window) *Node {
	f := &scaleByInput{
		x: Node{Height: x.Height, Width: x.Width, Channels: x.Channels}, y: Node{Height: y.Height, Width: y.Width, Channels: y.Channels}, w: w,
		mean: make([]float32, g.batch*x.Height*x.Width), k: make([]float32, g.batch*y.Height*y.Width),
	}
	return g.Apply(name, f, y.Height, y.Width, y.Channels, y, x)
}

// scaleByInput is the Function of ScaleByInput.
type scaleByInput struct {
	x, y    Node // shapes
	w       geometry.Window
	mean, k []float32 // by position
}

func (*scaleByInput) elementwise() {}
func (*scaleByInput) forgetful()   {}

func (f *scaleByInput) Forward(r *Run, y []float32, x [][]float32) error {
	pixels := r.Batch * f.y.Height * f.y.Width
	n := pixels * f.y.Channels
	if !r.Quantize {
		copy(y[:n], x[0])
		return nil
	}
	f.measure(r.Batch, x[1])
	f.times(y[:n], x[0])
	return nil
}

// measure finds K.
func (f *scaleByInput) measure(batch int, x []float32) {
	c := f.x.Channels
	for i := range f.mean[:batch*f.x.Height*f.x.Width] {
		var sum float32
		for _, v := range x[i*c : (i+1)*c] {
			sum += float32(math.Abs(float64(v)))
		}
		f.mean[i] = sum / float32(c)
	}
	taps, d := float32(f.w.Taps()), f.w.Dilated()
	for i := range f.k[:batch*f.y.Height*f.y.Width] {
		image, oy, ox := i/(f.y.Height*f.y.Width), i/f.y.Width%f.y.Height, i%f.y.Width
		var sum float32
		for ky := range f.w.Kernel[0] {
			for kx := range f.w.Kernel[1] {
				iy, ix := oy*f.w.Stride[0]+ky*d[0]-f.w.Pad[0], ox*f.w.Stride[1]+kx*d[1]-f.w.Pad[1]
				if iy >= 0 && iy < f.x.Height && ix >= 0 && ix < f.x.Width {
					sum += f.mean[(image*f.x.Height+iy)*f.x.Width+ix]
				}
			}
		}
		f.k[i] = sum / taps
	}
}

// times writes src times K to dst.
func (f *scaleByInput) times(dst, src []float32) {
	c := f.y.Channels
	for i := range dst {
		dst[i] = src[i] * f.k[i/c]
	}
}

func (f *scaleByInput) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	if dx[1] != nil {
		clear(dx[1])
	}
	n := r.Batch * f.y.Height * f.y.Width * f.y.Channels
	switch {
	case dx[0] == nil:
	case r.Quantize:
		f.times(dx[0][:n], dy)
	default:
		copy(dx[0][:n], dy)
	}
	return nil
}
