// SPDX-License-Identifier: Apache-2.0

package geometry_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/geometry"
)

// TestWindow compares sizes and taps with counts of them, one by one.
func TestWindow(t *testing.T) {
	for _, size := range []int{1, 5, 8} {
		for kernel := 1; kernel <= 4; kernel++ {
			for stride := 1; stride <= 3; stride++ {
				for dilation := 0; dilation <= 3; dilation++ {
					for before := range 3 {
						w := geometry.Window{Kernel: [2]int{kernel, 1}, Stride: [2]int{stride, 1}, Dilation: [2]int{dilation, 0}, Pad: [4]int{before, 0, 1, 0}}
						checkWindow(t, w, size)
						checkSame(t, w, size)
					}
				}
			}
		}
	}
}

// checkWindow counts the outputs of a column of so many pixels.
func checkWindow(t *testing.T, w geometry.Window, size int) {
	t.Helper()
	want := 0
	for first := -w.Pad[0]; ; first += w.Stride[0] {
		if last := first + (w.Kernel[0]-1)*max(1, w.Dilation[0]); last >= size+w.Pad[2] {
			break
		}
		inside := 0
		for tap := range w.Kernel[0] {
			if at := first + tap*max(1, w.Dilation[0]); at >= 0 && at < size {
				inside++
			}
		}
		if got := w.Inside(want, 0, size, 1); got != inside {
			t.Errorf("%v on %d: %d taps of output %d are inside, want %d", w, size, got, want, inside)
		}
		want++
	}
	if got, _ := w.Output(size, 1); got != want {
		t.Errorf("%v on %d: %d outputs, want %d", w, size, got, want)
	}
}

// checkSame wants ⌈size/stride⌉ outputs, and no more padding than they need.
func checkSame(t *testing.T, w geometry.Window, size int) {
	t.Helper()
	s := w.SamePad(size, 1)
	want := (size + w.Stride[0] - 1) / w.Stride[0]
	if got, _ := s.Output(size, 1); got != want || s.Pad[2]-s.Pad[0] > 1 || s.Pad[2] < s.Pad[0] {
		t.Errorf("%v on %d: %d outputs, want %d", s, size, got, want)
	}
	if s.Pad[2] > 0 {
		if s.Pad[2]--; w.Stride[0] == 1 {
			if got, _ := s.Output(size, 1); got == want {
				t.Errorf("%v on %d: padding without use", s, size)
			}
		}
	}
}

// TestShares wants the sum of every output times its share to be the mean times the whole, for
// the least whole that all outputs have in common.
func TestShares(t *testing.T) {
	for _, w := range []geometry.Window{
		geometry.Valid(2, 2), geometry.Same(3, 1), geometry.Same(5, 2),
		{Kernel: [2]int{3, 2}, Stride: [2]int{1, 2}, Pad: [4]int{1, 0, 2, 1}},
	} {
		const height, width = 7, 6
		h, v := w.Output(height, width)
		for _, counted := range []bool{false, true} {
			taps := func(i int) int {
				if counted {
					return w.Taps()
				}
				return w.Inside(i/v, i%v, height, width)
			}
			whole, shares := w.Whole(height, width, counted), w.Shares(height, width, counted)
			if len(shares) != h*v {
				t.Fatalf("%v: %d shares of %d outputs", w, len(shares), h*v)
			}
			for i, share := range shares {
				if share*taps(i) != whole {
					t.Errorf("%v, padding counts %v: share %d of output %d, of %d taps, but the whole is %d", w, counted, share, i, taps(i), whole)
				}
			}
			for less := 1; less < whole; less++ {
				if !slices.ContainsFunc(shares, func(share int) bool { return less%(whole/share) != 0 }) {
					t.Errorf("%v, padding counts %v: %d would be a whole, too, less than %d", w, counted, less, whole)
				}
			}
		}
	}
	if w := geometry.Same(300, 1); w.Whole(400, 400, false) <= geometry.MaxWhole {
		t.Errorf("%v has a whole within %d", w, geometry.MaxWhole)
	}
}

func TestString(t *testing.T) {
	w := geometry.Window{Kernel: [2]int{3, 5}, Stride: [2]int{2, 1}, Dilation: [2]int{1, 2}, Pad: [4]int{1, 2, 1, 2}}
	if got, want := w.String(), "3×5 window with stride 2×1, dilation 1×2, padding [1 2 1 2]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := geometry.Valid(8, 1).String(), "8×8 window with stride 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
