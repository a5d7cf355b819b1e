// SPDX-License-Identifier: Apache-2.0

// Package geometry is the shape of what a convolution or a pooling reads: one
// [Window], from the recipe to the kernels. It imports nothing.
package geometry

import (
	"fmt"
	"slices"
)

// A Window is the part of an image that one output of a convolution or a pooling
// reads, and how it moves. Pairs are height (vertical) and width (horizontal).
type Window struct {
	Kernel   [2]int // taps
	Stride   [2]int // distance of neighbouring outputs, in pixels
	Dilation [2]int // distance of neighbouring taps, in pixels; 0 means 1
	Pad      [4]int // top, left, bottom, right: zeros to a convolution, never the maximum of a pooling
	Groups   int    // of a convolution's channels; 0 means 1
}

// Valid returns the window of k×k taps without padding.
func Valid(k, stride int) Window {
	return Window{Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}}
}

// Same returns the window of k×k taps with k/2 of padding on every side, as
// PyTorch users write it: the output has ⌈size/stride⌉ rows for odd k.
func Same(k, stride int) Window {
	w := Valid(k, stride)
	w.Pad = All(k / 2)
	return w
}

// Whole returns the window of all of an image.
func Whole(height, width int) Window {
	return Window{Kernel: [2]int{height, width}, Stride: [2]int{1, 1}}
}

// All returns the padding n on every side.
func All(n int) [4]int { return [4]int{n, n, n, n} }

// Dilated returns the distance of neighbouring taps, at least 1.
func (w Window) Dilated() [2]int { return [2]int{max(1, w.Dilation[0]), max(1, w.Dilation[1])} }

// Extent returns the rows and columns from the first tap to the last.
func (w Window) Extent() (height, width int) {
	d := w.Dilated()
	return (w.Kernel[0]-1)*d[0] + 1, (w.Kernel[1]-1)*d[1] + 1
}

// Taps returns the number of positions that the window reads.
func (w Window) Taps() int { return w.Kernel[0] * w.Kernel[1] }

// Padded says whether there is any padding.
func (w Window) Padded() bool { return w.Pad != [4]int{} }

// Output returns the size of what the window makes of an image, 0 if it does not
// fit there.
func (w Window) Output(height, width int) (h, v int) {
	extentH, extentW := w.Extent()
	h, v = height+w.Pad[0]+w.Pad[2]-extentH, width+w.Pad[1]+w.Pad[3]-extentW
	if h < 0 || v < 0 || min(w.Stride[0], w.Stride[1], w.Kernel[0], w.Kernel[1]) < 1 {
		return 0, 0
	}
	return h/w.Stride[0] + 1, v/w.Stride[1] + 1
}

// SamePad returns the window padded as TensorFlow's "SAME" does: the output has
// ⌈size/stride⌉ rows and columns, and of an odd number of rows or columns of
// padding the larger part is at the bottom and on the right.
func (w Window) SamePad(height, width int) Window {
	extentH, extentW := w.Extent()
	for axis, size := range [2][2]int{{height, extentH}, {width, extentW}} {
		stride := max(1, w.Stride[axis])
		outputs := (size[0] + stride - 1) / stride
		pad := max(0, (outputs-1)*stride+size[1]-size[0])
		w.Pad[axis], w.Pad[axis+2] = pad/2, pad-pad/2
	}
	return w
}

// Inside returns how many taps of the output at a row and a column lie inside an
// image of the given size.
func (w Window) Inside(row, column, height, width int) int {
	return w.inside(0, row, height) * w.inside(1, column, width)
}

// inside returns how many taps of an output along one axis lie in [0, size).
func (w Window) inside(axis, output, size int) int {
	d, start := w.Dilated()[axis], output*w.Stride[axis]-w.Pad[axis]
	first := max(0, (d-1-start)/d)
	last := min(w.Kernel[axis], (size-start+d-1)/d)
	return max(0, last-first)
}

// Whole returns the whole of an average: the number of taps that all outputs of an
// image are brought to, more than MaxWhole if there is none within it.
//
// The sums over the windows of an average become whole numbers of means so: the sum of
// an output times its share is the mean times the whole. Where the padding counts, or
// there is none, the whole is the number of taps and all shares are 1; else the whole
// is the least common multiple of the numbers of taps that lie inside the image, and a
// share what brings one of them to it.
func (w Window) Whole(height, width int, counted bool) int {
	if counted || !w.Padded() {
		return w.Taps()
	}
	h, v := w.Output(height, width)
	whole := 1
	for _, rows := range w.numbers(0, h, height) {
		for _, columns := range w.numbers(1, v, width) {
			if whole = lcm(whole, max(1, rows*columns)); whole > MaxWhole {
				return whole
			}
		}
	}
	return whole
}

// numbers returns the different numbers of taps inside an image along one axis.
func (w Window) numbers(axis, outputs, size int) []int {
	var list []int
	for i := range outputs {
		if n := w.inside(axis, i, size); !slices.Contains(list, n) {
			if list = append(list, n); len(list) > maxNumbers {
				break // their least common multiple is beyond MaxWhole
			}
		}
	}
	return list
}

// maxNumbers is more numbers than have a common multiple within MaxWhole.
const maxNumbers = 1 << 8

// Shares returns by what the sum of each output is multiplied, row by row.
func (w Window) Shares(height, width int, counted bool) []int {
	h, v := w.Output(height, width)
	shares, whole := make([]int, h*v), w.Whole(height, width, counted)
	for i := range shares {
		shares[i] = 1
		if !counted && w.Padded() {
			shares[i] = whole / max(1, w.Inside(i/v, i%v, height, width))
		}
	}
	return shares
}

// lcm returns the least common multiple of positive numbers, no more than MaxWhole
// and one.
func lcm(a, b int) int {
	g, r := a, b
	for r > 0 {
		g, r = r, g%r
	}
	return min(a/g*b, MaxWhole+1)
}

// MaxWhole bounds the whole of [Window.Whole]: sums of 8-bit codes times their
// shares stay exact in float32.
const MaxWhole = 1 << 16

// String writes the window as in "3×5 window with stride 2×1, dilation 2×2, padding
// [1 2 1 2]"; what is 1 or none is left out.
func (w Window) String() string {
	s := fmt.Sprintf("%d×%d window", w.Kernel[0], w.Kernel[1])
	if w.Stride[0] == w.Stride[1] {
		s += fmt.Sprintf(" with stride %d", w.Stride[0])
	} else {
		s += fmt.Sprintf(" with stride %d×%d", w.Stride[0], w.Stride[1])
	}
	if d := w.Dilated(); d != [2]int{1, 1} {
		s += fmt.Sprintf(", dilation %d×%d", d[0], d[1])
	}
	if w.Padded() {
		s += fmt.Sprintf(", padding %v", w.Pad)
	}
	return s
}
