// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// A program is a model compiled for one kernel set. It is immutable and shared by runners.
type program struct {
	kernel string       // the set's name
	apart  flow         // each operator by itself, as observers see them
	joined flow         // operators that one loop computes as one, see join
	needs  kernel.Needs // of any step
	by     []int        // by whose steps the images of each tensor differ, see qmodel.Model.Steps
}

// A flow is the steps of a model's operators, in their order, and where in memory the tensors are.
type flow struct {
	steps []step
	arena *arenaPlan
}

// A step runs one operator, in pieces that are independent of each other. Tensors are found by index in the runner's
// list.
type step interface {
	tiles(batch int) int
	run(i, batch int, tensors []kernel.Tensor, s *kernel.Scratch)
	needs() kernel.Needs
	work() int // about the elementary additions per image, to decide whether threads pay
}

func compile(m *qmodel.Model, set kernel.Set) *program {
	p := &program{kernel: set.Name, by: m.Steps()}
	for i := range m.Operators {
		p.apart.steps = append(p.apart.steps, newStep(m, i, set))
	}
	p.apart.arena = planArena(m, accessesOf(m))
	p.joined = join(m, p.apart.steps)
	for i, s := range p.apart.steps {
		p.needs = p.needs.Max(s.needs()).Max(p.joined.steps[i].needs())
	}
	return p
}

// newStep prepares operator i of a valid model.
func newStep(m *qmodel.Model, i int, set kernel.Set) step {
	o := &m.Operators[i]
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	c := kernel.Conv{
		InH: in.Height, InW: in.Width, InC: in.Channels, OutH: out.Height, OutW: out.Width, OutC: out.Channels,
		KH: o.Kernel[0], KW: o.Kernel[1], StrideH: o.Stride[0], StrideW: o.Stride[1], Top: o.Pad[0], Left: o.Pad[1],
		Groups: o.Groups, Zero: in.ZeroPoint, Max: in.Max(),
	}
	return steps[o.Op](m, i, c, set)
}

// steps is the table of all operators: what makes a step of operator i, whose window is c.
var steps = map[string]func(m *qmodel.Model, i int, c kernel.Conv, set kernel.Set) step{
	qmodel.Conv2D:    newWeighted,
	qmodel.Depthwise: newWeighted,
	qmodel.Linear:    newWeighted,
	qmodel.MaxPool:   newMaxPool,
	qmodel.AvgPool:   newAvgPool,
	qmodel.Flatten:   newFlatten,
	qmodel.Add:       newAdd,
	qmodel.Table:     newTable,
	qmodel.Sign:      newAdd,
	qmodel.Concat:    newConcat,
	qmodel.Multiply:  newMultiply,
	qmodel.Select:    newSelect,
	qmodel.Upsample:  newUpsample,
	qmodel.Online:    newOnline,
}

// finisher prepares the end of operator i, which requantizes or compares.
func finisher(m *qmodel.Model, i int, set kernel.Set) kernel.Finisher {
	return finish(epilogue(m, i), set)
}

func finish(e kernel.Epilogue, set kernel.Set) kernel.Finisher {
	if e.T != nil {
		return set.Compare(e)
	}
	return set.Finish(e)
}

// epilogue describes the end of operator i.
func epilogue(m *qmodel.Model, i int) kernel.Epilogue {
	o := &m.Operators[i]
	e := kernel.Epilogue{
		Channels: m.Tensors[o.Output].Channels, Output: o.Output, Others: o.Terms(), R: o.Requantizer,
		T: o.Thresholds, Pixels: m.Tensors[o.Output].Height * m.Tensors[o.Output].Width,
	}
	steps := m.Steps()
	if own := m.Accumulators(o); own > 0 {
		e.Terms = slices.Repeat([]kernel.Term{{Bits: m.AccumulatorBits(i)}}, own)
		e.Steps = slices.Repeat(steps[o.Inputs[0]:o.Inputs[0]+1], own)
	}
	for _, t := range e.Others {
		e.Terms = append(e.Terms, kernel.Term{Codes: m.Tensors[t].Kind == qmodel.Codes, Zero: m.Tensors[t].ZeroPoint, Bits: tensorBits(m, t)})
		e.Steps = append(e.Steps, steps[t])
	}
	return e
}

// tensorBits returns how many bits a tensor of accumulators is proved to fit, 0 for others.
func tensorBits(m *qmodel.Model, tensor int) int {
	for i := range m.Operators {
		if m.Operators[i].Output == tensor && m.Tensors[tensor].Kind == qmodel.Accumulators {
			return m.AccumulatorBits(i)
		}
	}
	return 0
}

// rows splits an operator's output in tiles of about rowWork numbers.
type rows struct{ pixels, channels int }

const rowWork = 1 << 13

// rowsOf returns the rows of the output of a window.
func rowsOf(c kernel.Conv) rows { return rows{pixels: c.Pixels(), channels: c.OutC} }

func (r rows) each() int { return max(1, rowWork/r.channels) }

func (r rows) tiles(batch int) int { return (batch*r.pixels + r.each() - 1) / r.each() }

func (r rows) tile(i, batch int) kernel.Tile {
	first := i * r.each()
	return kernel.Tile{Row: first, Rows: min(r.each(), batch*r.pixels-first), Channels: r.channels, Stride: r.channels}
}
