// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/arena"
	"github.com/goqat/goqat/qmodel"
)

// A form is the C function that runs an operator.
type form int

const (
	formConv      form = iota // two pixels at a time
	formLinear                // one pixel
	formDepthwise             // each channel for itself
	formMaximum
	formAverage
	formPaddedAverage
	formCombine
	formProduct
	formTable
	formConcat
	formChoice
	formUpsampling
	formNothing // the output is the input's memory
)

// maxTaps is the most taps of a depthwise layer that has the form of its own: they have a pointer each on the stack.
const maxTaps = 64

// A step is an operator as the C code runs it.
type step struct {
	o       *qmodel.Operator
	in, out *qmodel.Tensor
	name    string // as a C identifier, without the prefix
	form    form
	end     *end // nil for formMaximum, formTable and formNothing

	// Of weighted operators:
	rows    []row
	offset  int // of all weights
	sets    int
	signs   int  // of an input code
	column  int  // codes of a window, filled up
	columns int  // bytes: the columns of a sign; of a depthwise layer, the unpacked weights
	direct  bool // the input is the column
	narrow  bool // every sum fits 16 bits
	counted bool // codes and weights are bits, of which sums count those in common

	scratch, scratchAt int // bytes, and where
}

// A program is a model lowered to steps and an arena in bytes.
type program struct {
	m     *qmodel.Model
	steps []*step
	at    []int // offset of each tensor, not of the image and the logits
	arena int
}

// lower lowers the operators of a valid model, and states of each that it computes the same integers, or why it cannot.
func lower(m *qmodel.Model) (*program, []agreement.Statement) {
	p := &program{m: m}
	sums := make(map[int][]int64) // worst cases of tensors of accumulators
	var statements []agreement.Statement
	for i := range m.Operators {
		o := &m.Operators[i]
		s := &step{o: o, in: &m.Tensors[o.Inputs[0]], out: &m.Tensors[o.Output], name: identifier(o.Name, i)}
		state := agreement.Statement{Operator: o.Name, Op: o.Op, Agreement: agreement.Exact}
		if err := s.lower(m, sums); err != nil {
			state.Agreement, state.Note = agreement.None, err.Error()
		} else if s.rows != nil {
			state.Note = s.note()
		}
		statements = append(statements, state)
		p.steps = append(p.steps, s)
	}
	return p, statements
}

// note says how the weights are stored and summed.
func (s *step) note() string {
	bytes := 0
	for _, r := range s.rows {
		bytes += len(r.bytes)
	}
	text := fmt.Sprintf("weights of %d bits in %d bytes", s.o.Weights.Bits, bytes)
	switch {
	case s.counted:
		text += ", summed by counting bits"
	case s.narrow:
		text += ", sums of 16 bits"
	}
	return text
}

func (s *step) lower(m *qmodel.Model, sums map[int][]int64) error {
	o := s.o
	switch {
	case m.ByImage(o):
		return errors.New("its range is taken from each image, for which there is no C code; give its tensors offline ranges")
	case len(o.Tables) > 0:
		s.form = formConcat
	case o.Weighted():
		return s.lowerWeighted(m, sums)
	case o.Maximizes():
		s.form = formMaximum
	case o.Aliases():
		s.form = formNothing
	case o.Table != nil:
		s.form = formTable
	case o.Shuffle > 0:
		s.form = formChoice
	case o.Factor[0] > 0:
		s.form = formUpsampling
	case o.Averages():
		return s.lowerAverage()
	case o.Multiplies():
		s.form = formProduct
		own := []sum{{1, make([]int64, s.out.Channels)}}
		s.end = newEnd(o, s.out, own, [][]int64{repeat(bound(s.in)*bound(&m.Tensors[o.Inputs[1]]), s.out.Channels)})
	case o.Adds():
		s.form = formCombine
		s.end = newEnd(o, s.out, nil, added(m, o.Inputs, sums, nil))
	default:
		return errors.New("there is no such operator in C code")
	}
	return nil
}

// lowerAverage sums codes as they are where every window is inside of the image, else codes less their zero point, which is
// that of the padding, times what makes all sums ones of as many taps.
func (s *step) lowerAverage() error {
	w := s.o.Window()
	taps := int64(w.Whole(s.in.Height, s.in.Width, s.o.CountPad))
	own := []sum{{1, make([]int64, s.out.Channels)}}
	bounds := [][]int64{repeat(taps*bound(s.in), s.out.Channels)}
	if w.Padded() {
		s.form = formPaddedAverage
	} else {
		s.form = formAverage
		if err := checkRaw(taps*int64(s.in.Max()), "sums"); err != nil {
			return err
		}
		own[0].offset = repeat(-taps*int64(s.in.ZeroPoint), s.out.Channels)
	}
	s.end = newEnd(s.o, s.out, own, bounds)
	return nil
}

// bound returns the greatest |code - zero point|.
func bound(t *qmodel.Tensor) int64 { return int64(max(t.ZeroPoint, t.Max()-t.ZeroPoint)) }

func repeat(x int64, n int) []int64 {
	s := make([]int64, n)
	for i := range s {
		s[i] = x
	}
	return s
}

// added appends the worst cases of tensors that are added.
func added(m *qmodel.Model, inputs []int, sums map[int][]int64, bounds [][]int64) [][]int64 {
	for _, i := range inputs {
		t := &m.Tensors[i]
		if t.Kind == qmodel.Codes {
			bounds = append(bounds, repeat(bound(t), t.Channels))
		} else {
			bounds = append(bounds, sums[i])
		}
	}
	return bounds
}

func (s *step) lowerWeighted(m *qmodel.Model, sums map[int][]int64) error {
	o, w := s.o, s.o.Weights
	s.sets, s.signs = w.Sets(), m.Accumulators(o)/w.Sets()
	bounds := w.TermBounds(s.in)
	if s.out.Kind == qmodel.Accumulators {
		sums[o.Output] = bounds[0]
	}
	most := int64(s.in.Max()) // of what is summed
	if s.in.Signs {
		most = 1
	}
	own, err := s.own(most)
	if err != nil {
		return err
	}
	s.end = newEnd(o, s.out, own, added(m, o.Inputs[1:], sums, bounds))
	pieces, offset := split(w)
	s.offset = offset
	taps, inputs := o.Kernel[0]*o.Kernel[1], w.Shape[3]
	s.counted = most == 1 && !slices.ContainsFunc(pieces, func(p piece) bool { return p.bits > 1 })
	switch {
	case o.Groups > 1 && inputs == 1 && s.out.Channels == s.in.Channels && taps <= maxTaps:
		s.form, s.counted = formDepthwise, false
		for i := range pieces {
			s.rows = append(s.rows, pieces[i].line(s.out.Channels))
		}
		s.columns = aligned(2 * s.sets * taps * s.out.Channels)
		s.scratch = s.columns + s.in.Channels
	case s.out.Height == 1 && s.out.Width == 1:
		s.form = formLinear
		s.fillRows(pieces, taps*inputs)
		whole := o.Groups == 1 && o.Pad == [4]int{} && o.Kernel == [2]int{s.in.Height, s.in.Width} && o.Dilation == [2]int{}
		s.direct = whole && s.column == taps*inputs && s.signs == 1 && !s.counted
		if !s.direct {
			s.scratch = s.signs * s.column
		}
	default:
		s.form = formConv
		s.fillRows(pieces, taps*inputs)
		s.narrow = !s.counted && isNarrow(pieces, s.out.Channels, most)
		s.columns = 2 * s.column
		if s.narrow { // 4 bytes for both codes of a pixel, and one column beyond that they are made from
			s.columns = 5 * s.column
		}
		s.scratch = s.signs * s.columns
	}
	for _, r := range s.rows {
		if len(r.bytes) > math.MaxInt32 {
			return fmt.Errorf("%d bytes of weights, more than C code has", len(r.bytes))
		}
	}
	return nil
}

// own returns what the operator's own terms stand for, sets of weights by signs of a code. A sign is 2b - 1.
func (s *step) own(most int64) ([]sum, error) {
	w := s.o.Weights
	each := w.Shape[1] * w.Shape[2] * w.Shape[3]
	var own []sum
	for k := range s.sets {
		values := w.Values(k)
		t := sum{1, make([]int64, s.out.Channels)}
		for c := range t.offset {
			var total, magnitude, zeros int64
			base := c / (s.out.Channels / s.o.Groups) * w.Shape[3] // the first input channel of the group
			for i, v := range values[c*each:][:each] {
				total += int64(v)
				magnitude += int64(max(v, -v))
				zeros += int64(v) * int64(s.in.Zero(base+i%w.Shape[3]))
			}
			if err := checkRaw(max(magnitude+total, magnitude-total)/2*most, fmt.Sprintf("sums of channel %d", c)); err != nil {
				return nil, err
			}
			t.offset[c] = -zeros
			if s.in.Signs {
				t.gain, t.offset[c] = 2, -total
			}
		}
		for range s.signs {
			own = append(own, t)
		}
	}
	return own, nil
}

// fillRows packs rows of n codes, and sets the length of a column that fills the last word of each.
func (s *step) fillRows(pieces []piece, n int) {
	for i := range pieces {
		s.rows = append(s.rows, pieces[i].pairs(n, s.out.Channels/s.o.Groups)...)
	}
	for _, r := range s.rows {
		s.column = max(s.column, r.first+r.words*perWord(r.bits))
	}
}

// isNarrow says whether the sums of each piece over codes up to most fit 16 bits, in every channel.
func isNarrow(pieces []piece, channels int, most int64) bool {
	for _, p := range pieces {
		each := len(p.codes) / channels
		for c := range channels {
			var positive, negative int64
			for _, v := range p.codes[c*each:][:each] {
				positive += int64(max(v, 0))
				negative -= int64(min(v, 0))
			}
			if positive*most > math.MaxInt16 || negative*most > -math.MinInt16 {
				return false
			}
		}
	}
	return true
}

// simple says whether the codes of one piece are the weights, and the sums of one sign the only ones.
func (s *step) simple() bool {
	return len(s.rows) == 1 && s.rows[0].factor == 1 && s.offset == 0 && s.sets == 1 && s.signs == 1
}

// aligned rounds bytes up so that what follows can be int32.
func aligned(n int) int { return (n + 3) / 4 * 4 }

// place gives each tensor, and each step's scratch, its place in the arena.
func (p *program) place() error {
	m := p.m
	lives := make([]arena.Block, len(m.Tensors))
	owner := make([]int, len(m.Tensors))
	scratch := make([]arena.Block, len(p.steps))
	for i, s := range p.steps {
		o := s.o
		owner[o.Output] = o.Output
		if s.form == formNothing {
			owner[o.Output] = owner[o.Inputs[0]]
		} else {
			size := s.out.Len()
			if s.out.Kind != qmodel.Codes {
				size *= 4
			}
			lives[o.Output] = arena.Block{Size: aligned(size), First: i, Last: i}
		}
		for _, t := range o.Inputs {
			lives[owner[t]].Last = i
		}
		scratch[i] = arena.Block{Size: aligned(s.scratch), First: i, Last: i}
	}
	logits := m.Operators[len(m.Operators)-1].Output
	var blocks []*arena.Block
	for i := range lives {
		if i > 0 && i != logits && owner[i] == i {
			blocks = append(blocks, &lives[i])
		}
	}
	for i := range scratch {
		blocks = append(blocks, &scratch[i])
	}
	p.arena = max(4, arena.Place(blocks))
	if p.arena > math.MaxInt32 {
		return fmt.Errorf("cgen: the tensors take %d bytes, more than C code has", p.arena)
	}
	p.at = make([]int, len(m.Tensors))
	for i, o := range owner {
		p.at[i] = lives[o].Offset
		if o == 0 {
			p.at[i] = imageAt
		}
	}
	p.at[logits] = logitsAt
	for i, s := range p.steps {
		s.scratchAt = scratch[i].Offset
	}
	return nil
}

// Where tensors are that the caller owns.
const (
	imageAt  = -1
	logitsAt = -2
)
