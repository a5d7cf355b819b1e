// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/fixed"
)

// MostBytes returns the most bytes that the file of the model can take with the numbers of any other training: its operators,
// bits, packings, tables and names stay, its zero points, ranges and scales, multipliers and biases are those that take the
// most, and the digest of its data is known. The model itself is not changed. It fails where the container does not hold it.
func (m *Model) MostBytes() (int64, error) {
	g := *m
	g.Data.Digest = strings.Repeat("0", 64)
	g.Tensors, g.Operators = slices.Clone(m.Tensors), slices.Clone(m.Operators)
	for i := range g.Tensors {
		if i > 0 { // the image stays as it is
			g.Tensors[i].grow()
		}
	}
	for i := range g.Operators {
		g.Operators[i].grow()
	}
	f := g.file()
	var size counter
	if err := f.Write(&size); err != nil {
		return 0, err
	}
	// A tensor of fewer bytes can come later in the file, where its place has more digits.
	total := 0
	for _, t := range f.Tensors {
		total += len(t.Data)
	}
	slack, at := 0, 0 // digits
	for _, t := range f.Tensors {
		slack += 2*digits(total) - digits(at) - digits(at+len(t.Data))
		at += len(t.Data)
	}
	return int64(size) + int64(slack+alignment-1)/alignment*alignment, nil
}

const (
	alignment = 8 // of the end of the header
	maxInt64  = 1<<63 - 1
)

func digits(n int) int { return len(strconv.Itoa(n)) }

// A counter is a file of which only the size is known.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// grow gives the tensor the numbers that take the most digits.
func (t *Tensor) grow() {
	if t.ScaleBits != 0 {
		t.ScaleBits = 0x7f7fffff // the greatest finite one
	}
	switch {
	case t.Signs:
	case t.Kind == Codes:
		t.ZeroPoint, t.Range = t.Max(), [2]int32{t.Max(), t.Max()}
	case t.Kind == Values:
		t.Range = [2]int32{minInt32, minInt32}
	}
}

// grow gives the operator the numbers that take the most bytes.
func (o *Operator) grow() {
	if r := o.Requantizer; r != nil {
		biased := o.Weights != nil || o.Op == Add && r.Terms() == 1 // by a batch normalization
		grown := *r
		if r.Terms() > 1 || r.Online(0) { // one multiplier has 24 bits
			grown.M = widest(r.M)
		}
		if biased || slices.ContainsFunc(r.Bias, func(b int64) bool { return b != 0 }) {
			grown.Bias = slices.Repeat([]int64{maxInt64}, r.Channels())
		}
		if biased && r.Terms() == 1 && !r.Online(0) {
			grown.AccBias = slices.Repeat([]int32{maxInt32}, r.Channels())
		}
		o.Requantizer = &grown
	}
	if t := o.Thresholds; t != nil {
		o.Thresholds = &fixed.Thresholds{M: widest(t.M), T: widest(t.T)}
	}
}

// widest returns as many numbers, each of which takes eight bytes.
func widest(table [][]int64) [][]int64 {
	list := make([][]int64, len(table))
	for i, row := range table {
		list[i] = slices.Repeat([]int64{maxInt64}, len(row))
	}
	return list
}
