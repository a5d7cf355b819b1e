// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/goqat/goqat/geometry"
)

// A Conv describes a two-dimensional convolution (a cross-correlation, as in
// every training library) of NHWC images with weights [OutC, KH, KW, InC/Groups].
// A linear layer is a Conv with InH = InW = 1 and a kernel of one tap.
type Conv struct {
	InH, InW, InC int // input height, width, channels
	OutC          int // output channels
	geometry.Window
}

// OutH returns the height of the output.
func (c Conv) OutH() int {
	h, _ := c.Output(c.InH, c.InW)
	return h
}

// OutW returns the width of the output.
func (c Conv) OutW() int {
	_, w := c.Output(c.InH, c.InW)
	return w
}

// InSize returns the number of elements of one input image.
func (c Conv) InSize() int { return c.InH * c.InW * c.InC }

// OutSize returns the number of elements of one output image.
func (c Conv) OutSize() int { return c.OutH() * c.OutW() * c.OutC }

// Weights returns the number of weights.
func (c Conv) Weights() int { return c.OutC * c.Kernel[0] * c.Kernel[1] * (c.InC / c.Groups) }

// MACs returns the multiply-accumulates of one image, padding included.
func (c Conv) MACs() int { return c.OutH() * c.OutW() * c.Weights() }

// Offsets are kept in 32 bits: within some images, and among the weights.
const (
	maxImage   = 1 << 24 // elements of one image, padding included
	maxWeights = 1 << 30
)

// Validate reports the first thing that makes c no convolution.
func (c Conv) Validate() error {
	for _, v := range []struct {
		name string
		n    int
	}{
		{"input height", c.InH}, {"input width", c.InW}, {"input channels", c.InC}, {"output channels", c.OutC},
		{"kernel height", c.Kernel[0]}, {"kernel width", c.Kernel[1]}, {"vertical stride", c.Stride[0]}, {"horizontal stride", c.Stride[1]},
		{"groups", c.Groups},
	} {
		if v.n < 1 || v.n > maxImage {
			return fmt.Errorf("kernel: convolution: %s is %d, want 1 to %d", v.name, v.n, maxImage)
		}
	}
	for _, pad := range c.Pad {
		if pad < 0 || pad > maxImage {
			return fmt.Errorf("kernel: convolution: padding is %d, want 0 to %d", pad, maxImage)
		}
	}
	for _, d := range c.Dilated() {
		if d > maxImage {
			return fmt.Errorf("kernel: convolution: dilation is %d, want at most %d", d, maxImage)
		}
	}
	extentH, extentW := c.Extent()
	switch h, w := c.InH+c.Pad[0]+c.Pad[2], c.InW+c.Pad[1]+c.Pad[3]; {
	case c.InC%c.Groups != 0 || c.OutC%c.Groups != 0:
		return fmt.Errorf("kernel: convolution: %d groups do not divide %d input and %d output channels", c.Groups, c.InC, c.OutC)
	case extentH > h || extentW > w:
		return fmt.Errorf("kernel: convolution: kernel %dx%d exceeds the padded input %dx%d", extentH, extentW, h, w)
	case !fits(h, w, c.InC) || !fits(extentH, extentW, c.InC) || !fits(c.OutH()+extentH, c.OutW()+extentW, c.OutC):
		return fmt.Errorf("kernel: convolution: an image or a filter has more than %d elements", maxImage)
	case int64(c.Kernel[0]*c.Kernel[1]*(c.InC/c.Groups))*int64(c.OutC) > maxWeights:
		return fmt.Errorf("kernel: convolution: more than %d weights", maxWeights)
	}
	return nil
}

// fits reports whether a product of numbers up to 4*maxImage stays below maxImage.
func fits(h, w, c int) bool {
	return int64(h)*int64(w) <= maxImage && int64(h)*int64(w)*int64(c) <= maxImage
}

// depthwise reports whether every channel is filtered on its own.
func (c Conv) depthwise() bool { return c.Groups == c.InC && c.OutC == c.InC && c.Groups > 1 }

// ConvReference computes y = x * w for a batch of images by plain loops that
// skip the padding: the definition the other kernels are tested against. With
// integers in float64 it is exact while every sum of magnitudes stays below 2^53.
func ConvReference[T float32 | float64](c Conv, y, x, w []T, batch int) {
	outH, outW := c.OutH(), c.OutW()
	inG, outG := c.InC/c.Groups, c.OutC/c.Groups
	k, d := c.Taps()*inG, c.Dilated()
	for i := range batch * outH * outW {
		n, oh, ow := i/(outH*outW), i/outW%outH, i%outW
		top, left := oh*c.Stride[0]-c.Pad[0], ow*c.Stride[1]-c.Pad[1]
		kh0, kh1 := span(top, d[0], c.Kernel[0], c.InH)
		kw0, kw1 := span(left, d[1], c.Kernel[1], c.InW)
		for o := 0; o < c.OutC; {
			// Up to four output channels of one group at once.
			g := o / outG
			wide := min(4, (g+1)*outG-o)
			w0 := w[o*k:][:k]
			w1, w2, w3 := w0, w0, w0
			if wide == 4 {
				w1, w2, w3 = w[(o+1)*k:][:k], w[(o+2)*k:][:k], w[(o+3)*k:][:k]
			} else {
				wide = 1
			}
			var s0, s1, s2, s3 T
			for kh := kh0; kh < kh1; kh++ {
				for kw := kw0; kw < kw1; kw++ {
					xs := x[((n*c.InH+top+kh*d[0])*c.InW+left+kw*d[1])*c.InC+g*inG:][:inG]
					at := (kh*c.Kernel[1] + kw) * inG
					if wide == 1 {
						for j, v := range w0[at:][:len(xs)] {
							s0 += v * xs[j]
						}
						continue
					}
					v0, v1, v2, v3 := w0[at:][:len(xs)], w1[at:][:len(xs)], w2[at:][:len(xs)], w3[at:][:len(xs)]
					for j, v := range xs {
						s0 += v * v0[j]
						s1 += v * v1[j]
						s2 += v * v2[j]
						s3 += v * v3[j]
					}
				}
			}
			out := y[i*c.OutC+o:]
			out[0] = s0
			if wide == 4 {
				out[1], out[2], out[3] = s1, s2, s3
			}
			o += wide
		}
	}
}
