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
	result []int // positions in the result, ascending
	window []int // for each, where in the window its first tap lies
	taps   []int // kernel positions; each tap lies one further in the window
}

// forwardAxis relates n outputs to the inputs: output i meets input
// i*stride - pad + t at tap t.
func forwardAxis(n, kernel, stride, pad int) axis {
	var p phase
	for i := range n {
		p.result = append(p.result, i)
		p.window = append(p.window, i*stride)
	}
	for t := range kernel {
		p.taps = append(p.taps, t)
	}
	return axis{start: -pad, size: (n-1)*stride + kernel, kernel: kernel, phases: []phase{p}}
}

// backwardAxis relates n inputs to the outputs that read them: input i was
// met by output (i+pad-t)/stride at every tap t that leaves no remainder.
func backwardAxis(n, kernel, stride, pad int) axis {
	most := (kernel + stride - 1) / stride
	first := pad / stride
	a := axis{start: first - most + 1, size: (n-1+pad)/stride - first + most, kernel: kernel, phases: make([]phase, stride)}
	for r := range a.phases {
		for t := r; t < kernel; t += stride {
			a.phases[r].taps = append([]int{t}, a.phases[r].taps...)
		}
	}
	for i := range n {
		p := &a.phases[(i+pad)%stride]
		p.result = append(p.result, i)
		p.window = append(p.window, (i+pad)/stride-first+most-len(p.taps))
	}
	return a
}
