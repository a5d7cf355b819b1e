// SPDX-License-Identifier: Apache-2.0

package kernel

// An axis relates the positions of a result along one direction (rows, or
// columns) to a window of the source: the source positions from start on, size
// of them, some of which may lie in the padding.
type axis struct {
	start, size int
	kernel      int // taps in all
	phases      []phase
}

// A phase is the set of result positions that meet the same taps: all of
// them in a forward pass; in a backward pass those of one residue modulo the
// stride.
type phase struct {
	result   []int // positions in the result, ascending
	window   []int // for each, where in the window its first tap lies
	taps     []int // kernel positions
	distance int   // of neighbouring taps in the window
}

// taps is one direction of a convolution: so many taps, neighbouring ones
// dilation positions of the input apart, from -pad on and moving by stride.
type taps struct{ kernel, stride, dilation, pad int }

// along returns the taps of direction 0, down, or 1, to the right.
func (c Conv) along(direction int) taps {
	return taps{c.Kernel[direction], c.Stride[direction], c.Dilated()[direction], c.Pad[direction]}
}

// extent is the number of positions from the first tap to the last.
func (t taps) extent() int { return (t.kernel-1)*t.dilation + 1 }

// forward relates n outputs to the inputs: output i meets input
// i*stride - pad + k*dilation at tap k.
func (t taps) forward(n int) axis {
	p := phase{distance: t.dilation}
	for i := range n {
		p.result = append(p.result, i)
		p.window = append(p.window, i*t.stride)
	}
	for k := range t.kernel {
		p.taps = append(p.taps, k)
	}
	return axis{start: -t.pad, size: (n-1)*t.stride + t.extent(), kernel: t.kernel, phases: []phase{p}}
}

// backward relates n inputs to the outputs that read them: input i was met by
// output (i+pad-k*dilation)/stride at every tap k that leaves no remainder. Its
// taps are in the order of these outputs: the last tap first.
func (t taps) backward(n int) axis {
	most := (t.extent() + t.stride - 1) / t.stride // outputs from the first to the last that an input meets
	first := t.pad / t.stride                      // the last output that input 0 meets, or could
	a := axis{start: first - most + 1, size: (n-1+t.pad)/t.stride - first + most, kernel: t.kernel, phases: make([]phase, t.stride)}
	for r := range a.phases {
		p := &a.phases[r]
		p.distance = t.dilation / gcd(t.dilation, t.stride)
		for k := t.kernel - 1; k >= 0; k-- {
			if (k*t.dilation-r)%t.stride == 0 {
				p.taps = append(p.taps, k)
			}
		}
	}
	for i := range n {
		p := &a.phases[(i+t.pad)%t.stride]
		p.result = append(p.result, i)
		at := i + t.pad
		if len(p.taps) > 0 {
			at -= p.taps[0] * t.dilation
		} else {
			at -= at % t.stride
		}
		p.window = append(p.window, at/t.stride-a.start)
	}
	return a
}

// gcd returns the greatest common divisor of positive numbers.
func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
