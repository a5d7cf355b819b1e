// SPDX-License-Identifier: Apache-2.0

package onnxtest

import (
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
)

// operators are those that goqat writes.
var operators = map[string]func(*onnxproto.Node, []*Tensor) *Tensor{
	"Add": arithmetic(func(a, b float64) float64 { return a + b }),
	"Sub": arithmetic(func(a, b float64) float64 { return a - b }),
	"Mul": arithmetic(func(a, b float64) float64 { return a * b }),
	"Div": arithmetic(func(a, b float64) float64 { return a / b }),
	"GreaterOrEqual": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return elementwise(onnxproto.TypeBool, in, func(v []float64) float64 {
			if v[0] >= v[1] {
				return 1
			}
			return 0
		})
	},
	"Where": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return elementwise(in[1].Type, in, func(v []float64) float64 {
			if v[0] != 0 {
				return v[1]
			}
			return v[2]
		})
	},
	"Clip": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return elementwise(in[0].Type, in, func(v []float64) float64 { return min(max(v[0], v[1]), v[2]) })
	},
	"Round": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return elementwise(in[0].Type, in, func(v []float64) float64 { return math.RoundToEven(v[0]) })
	},
	"Cast": func(n *onnxproto.Node, in []*Tensor) *Tensor {
		kind := onnxproto.Type(n.Attribute("to").Int)
		return elementwise(kind, in, func(v []float64) float64 { return round(kind, v[0]) })
	},
	"Gather": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		y := New(in[0].Type, in[1].Dims...)
		for i, at := range in[1].Data {
			y.Data[i] = in[0].Data[int(at)]
		}
		return y
	},
	"Flatten": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		n := in[0].Dims[0]
		return &Tensor{in[0].Type, []int{n, len(in[0].Data) / n}, in[0].Data}
	},
	"Reshape": func(_ *onnxproto.Node, in []*Tensor) *Tensor { // to [0, -1, 1, 1], the only shape that is asked for
		n := in[0].Dims[0]
		return &Tensor{in[0].Type, []int{n, len(in[0].Data) / n, 1, 1}, in[0].Data}
	},
	"Transpose": transpose,
	"Concat":    concatenate,
	"ReduceSum": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return pool(in[0], [2]int{in[0].Dims[2], in[0].Dims[3]}, [2]int{1, 1}, [4]int{}, 0, add)
	},
	"MaxPool": func(n *onnxproto.Node, in []*Tensor) *Tensor {
		kernel, stride, pad := window(n)
		return pool(in[0], kernel, stride, pad, math.Inf(-1), func(_ onnxproto.Type, a, b float64) float64 { return max(a, b) })
	},
	"AveragePool": average,
	"GlobalAveragePool": func(n *onnxproto.Node, in []*Tensor) *Tensor {
		return mean(pool(in[0], [2]int{in[0].Dims[2], in[0].Dims[3]}, [2]int{1, 1}, [4]int{}, 0, add), in[0].Dims[2]*in[0].Dims[3])
	},
	"QuantizeLinear": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return elementwise(in[2].Type, in, func(v []float64) float64 {
			return min(max(math.RoundToEven(round(onnxproto.TypeFloat, v[0]/v[1]))+v[2], 0), 255) // to UINT8 only
		})
	},
	"DequantizeLinear": dequantize,
	"Quant":            quant,
	"BipolarQuant": func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		return elementwise(in[0].Type, in, func(v []float64) float64 { return math.Copysign(v[1], v[0]) }) // of +0 it is +1
	},
	"Pad":  pad,
	"Conv": convolution,
	"Gemm": gemm,
}

func add(kind onnxproto.Type, a, b float64) float64 { return round(kind, a+b) }

// arithmetic returns an operator whose result has the type of its inputs.
func arithmetic(f func(a, b float64) float64) func(*onnxproto.Node, []*Tensor) *Tensor {
	return func(_ *onnxproto.Node, in []*Tensor) *Tensor {
		kind := in[0].Type
		return elementwise(kind, in, func(v []float64) float64 { return round(kind, f(v[0], v[1])) })
	}
}

// elementwise computes each number from those of the inputs, which are broadcast.
func elementwise(kind onnxproto.Type, in []*Tensor, f func(v []float64) float64) *Tensor {
	rank := 0
	for _, t := range in {
		rank = max(rank, len(t.Dims))
	}
	dims := make([]int, rank)
	for d := range dims {
		dims[d] = 1
		for _, t := range in {
			dims[d] = max(dims[d], t.size(d, rank))
		}
	}
	y := New(kind, dims...)
	v := make([]float64, len(in))
	for i := range y.Data {
		for k, t := range in {
			v[k] = t.Data[t.offset(i, dims)]
		}
		y.Data[i] = f(v)
	}
	return y
}

// size returns dimension d of the tensor brought to a rank.
func (t *Tensor) size(d, rank int) int {
	if d -= rank - len(t.Dims); d < 0 {
		return 1
	}
	return t.Dims[d]
}

// offset returns where the tensor, broadcast to the dimensions, has number i.
func (t *Tensor) offset(i int, dims []int) int {
	at, step := 0, 1
	for d := len(dims) - 1; d >= 0; d-- {
		if n := t.size(d, len(dims)); n > 1 {
			at += i % dims[d] * step
			step *= n
		}
		i /= dims[d]
	}
	return at
}

// transpose is from [N, C, H, W] to [N, H, W, C], the only permutation that is asked for.
func transpose(_ *onnxproto.Node, in []*Tensor) *Tensor {
	d := in[0].Dims
	y := New(in[0].Type, d[0], d[2], d[3], d[1])
	for n := range d[0] {
		for c := range d[1] {
			for at := range d[2] * d[3] {
				y.Data[(n*d[2]*d[3]+at)*d[1]+c] = in[0].Data[(n*d[1]+c)*d[2]*d[3]+at]
			}
		}
	}
	return y
}

// window returns the attributes of a window.
func window(n *onnxproto.Node) (kernel, stride [2]int, pad [4]int) {
	for i := range pad {
		pad[i] = int(n.Attribute("pads").Ints[i])
	}
	for i := range 2 {
		kernel[i], stride[i] = int(n.Attribute("kernel_shape").Ints[i]), int(n.Attribute("strides").Ints[i])
	}
	return kernel, stride, pad
}

// taps calls f for each output of a window at y, x and each input of it at v, u that is no padding.
func taps(in *Tensor, kernel, stride, dilation [2]int, pad [4]int, f func(y, x, i, j, v, u int)) (height, width int) {
	h, w := in.Dims[2], in.Dims[3]
	height, width = (h+pad[0]+pad[2]-(kernel[0]-1)*dilation[0]-1)/stride[0]+1, (w+pad[1]+pad[3]-(kernel[1]-1)*dilation[1]-1)/stride[1]+1
	if f == nil {
		return height, width
	}
	for y := range height {
		for x := range width {
			for i := range kernel[0] {
				for j := range kernel[1] {
					v, u := y*stride[0]+i*dilation[0]-pad[0], x*stride[1]+j*dilation[1]-pad[1]
					if v >= 0 && v < h && u >= 0 && u < w {
						f(y, x, i, j, v, u)
					}
				}
			}
		}
	}
	return height, width
}

// pool folds each window of each channel.
func pool(in *Tensor, kernel, stride [2]int, pad [4]int, first float64, fold func(kind onnxproto.Type, a, b float64) float64) *Tensor {
	height, width := taps(in, kernel, stride, [2]int{1, 1}, pad, nil)
	planes := in.Dims[0] * in.Dims[1]
	out := New(in.Type, in.Dims[0], in.Dims[1], height, width)
	for p := range planes {
		y := out.Data[p*height*width:][:height*width]
		for i := range y {
			y[i] = first
		}
		taps(in, kernel, stride, [2]int{1, 1}, pad, func(at, x, _, _, v, u int) {
			i := at*width + x
			y[i] = fold(in.Type, y[i], in.Data[(p*in.Dims[2]+v)*in.Dims[3]+u])
		})
	}
	return out
}

func convolution(n *onnxproto.Node, in []*Tensor) *Tensor {
	kernel, stride, pad := window(n)
	x, w, groups, dilation := in[0], in[1], int(n.Attribute("group").Int), [2]int{1, 1}
	if d := n.Attribute("dilations"); d != nil {
		dilation = [2]int{int(d.Ints[0]), int(d.Ints[1])}
	}
	height, width := taps(x, kernel, stride, dilation, pad, nil)
	channels, per := w.Dims[0], w.Dims[1]
	out := New(x.Type, x.Dims[0], channels, height, width)
	for image := range x.Dims[0] {
		for c := range channels {
			y := out.Data[(image*channels+c)*height*width:][:height*width]
			for k := range per {
				plane := x.Data[(image*x.Dims[1]+c/(channels/groups)*per+k)*x.Dims[2]*x.Dims[3]:]
				weights := w.Data[(c*per+k)*kernel[0]*kernel[1]:]
				taps(x, kernel, stride, dilation, pad, func(at, u0, i, j, v, u int) {
					term := round(x.Type, plane[v*x.Dims[3]+u]*weights[i*kernel[1]+j])
					y[at*width+u0] = round(x.Type, y[at*width+u0]+term)
				})
			}
			if len(in) > 2 {
				for i := range y {
					y[i] = round(x.Type, y[i]+in[2].Data[c])
				}
			}
		}
	}
	return out
}

// gemm multiplies by a transposed matrix.
func gemm(_ *onnxproto.Node, in []*Tensor) *Tensor {
	x, w := in[0], in[1]
	rows, inner, columns := x.Dims[0], x.Dims[1], w.Dims[0]
	y := New(x.Type, rows, columns)
	for r := range rows {
		for c := range columns {
			var sum float64
			for k := range inner {
				sum = round(x.Type, sum+round(x.Type, x.Data[r*inner+k]*w.Data[c*inner+k]))
			}
			if len(in) > 2 {
				sum = round(x.Type, sum+in[2].Data[c])
			}
			y.Data[r*columns+c] = sum
		}
	}
	return y
}

// average divides the sum of a window by its taps, those of padding among them or not.
func average(n *onnxproto.Node, in []*Tensor) *Tensor {
	kernel, stride, pad := window(n)
	sums := pool(in[0], kernel, stride, pad, 0, add)
	if n.Attribute("count_include_pad") != nil {
		return mean(sums, kernel[0]*kernel[1])
	}
	taps := pool(in[0], kernel, stride, pad, 0, func(_ onnxproto.Type, n, _ float64) float64 { return n + 1 })
	for i, v := range sums.Data {
		sums.Data[i] = round(sums.Type, v/taps.Data[i])
	}
	return sums
}

// concatenate is along the second dimension.
func concatenate(_ *onnxproto.Node, in []*Tensor) *Tensor {
	dims := append([]int{}, in[0].Dims...)
	for _, t := range in[1:] {
		dims[1] += t.Dims[1]
	}
	y := New(in[0].Type, dims...)
	y.Data = y.Data[:0]
	for image := range dims[0] {
		for _, t := range in {
			each := len(t.Data) / dims[0]
			y.Data = append(y.Data, t.Data[image*each:][:each]...)
		}
	}
	return y
}

// mean divides sums of n numbers.
func mean(sums *Tensor, n int) *Tensor {
	for i, v := range sums.Data {
		sums.Data[i] = round(sums.Type, v/float64(n))
	}
	return sums
}

// dequantize has one scale, or one for each index of the first dimension.
func dequantize(n *onnxproto.Node, in []*Tensor) *Tensor {
	scale, zero := *in[1], *in[2]
	if n.Attribute("axis") != nil && len(scale.Dims) == 1 {
		dims := make([]int, len(in[0].Dims))
		for d := range dims {
			dims[d] = 1
		}
		dims[0] = scale.Dims[0]
		scale.Dims, zero.Dims = dims, dims
	}
	return elementwise(onnxproto.TypeFloat, []*Tensor{in[0], &scale, &zero}, func(v []float64) float64 {
		return round(onnxproto.TypeFloat, round(onnxproto.TypeFloat, v[0]-v[2])*v[1])
	})
}

// quant is QONNX's, of a signed or an unsigned range.
func quant(n *onnxproto.Node, in []*Tensor) *Tensor {
	signed, narrow := float64(n.Attribute("signed").Int), float64(n.Attribute("narrow").Int)
	return elementwise(in[0].Type, in, func(v []float64) float64 {
		least := -signed*math.Ldexp(1, int(v[3])-1) + signed*narrow
		most := math.Ldexp(1, int(v[3]-signed)) - 1 - (1-signed)*narrow
		q := min(max(math.RoundToEven(v[0]/v[1]+v[2]), least), most)
		return round(in[0].Type, (q-v[2])*v[1])
	})
}

// pad adds a number around images.
func pad(_ *onnxproto.Node, in []*Tensor) *Tensor {
	x, p := in[0], in[1].Data
	top, left := int(p[2]), int(p[3])
	y := New(x.Type, x.Dims[0], x.Dims[1], x.Dims[2]+top+int(p[6]), x.Dims[3]+left+int(p[7]))
	for i := range y.Data {
		plane, v, u := i/y.Dims[3]/y.Dims[2], i/y.Dims[3]%y.Dims[2]-top, i%y.Dims[3]-left
		y.Data[i] = in[2].Data[0]
		if v >= 0 && v < x.Dims[2] && u >= 0 && u < x.Dims[3] {
			y.Data[i] = x.Data[(plane*x.Dims[2]+v)*x.Dims[3]+u]
		}
	}
	return y
}
