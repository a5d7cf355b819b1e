// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/kernel"
)

// Conv2D adds the convolution of x with weights w, [out channels, kernel height,
// kernel width, in channels / groups], without bias: an Epilogue adds that. w may be
// a parameter's node or a quantizer's result.
func (g *Graph) Conv2D(name string, x, w *Node, window geometry.Window) *Node {
	if g.err != nil {
		return x
	}
	window.Groups = max(1, window.Groups)
	groups := window.Groups
	h, v := window.Output(x.Height, x.Width)
	shape := w.node.Shape()
	out := shape[0]
	perOutput := window.Taps() * (x.Channels / groups)
	if h == 0 || x.Channels%groups != 0 || out*perOutput != w.Channels || out%groups != 0 {
		g.Errorf("graph: %s: weights %v in %d groups by a %v do not fit an input of %d×%d×%d",
			name, []int(shape), groups, window, x.Height, x.Width, x.Channels)
		return x
	}
	d := kernel.Conv{InH: x.Height, InW: x.Width, InC: x.Channels, OutC: out, Window: window}
	if err := d.Validate(); err != nil {
		g.Errorf("graph: %s: %w", name, err)
		return x
	}
	f := &conv{name: name, desc: d, plan: kernel.NewConvPlan(d, g.batch, g.run.pool), sums: make([]sums, 1), input: x}
	f.stepped, _ = w.fn.(SteppedWeights)
	return g.Apply(name, f, h, v, out, x, w)
}

// Linear adds the product of x, seen as a vector, with weights w, [out
// channels, in channels]: a convolution of a 1×1 image. Flatten comes before it.
func (g *Graph) Linear(name string, x, w *Node) *Node {
	if x.Height != 1 || x.Width != 1 {
		g.Errorf("graph: %s: the input of a linear layer is %d×%d×%d, flatten it first", name, x.Height, x.Width, x.Channels)
		return x
	}
	return g.Conv2D(name, x, w, geometry.Valid(1, 1))
}

// A Gradient changes the gradient of a convolution's result, which has size values an
// image, before the gradients of the input and of the weights are computed from it.
type Gradient interface {
	Change(r *Run, dst, dy []float32, size int)
}

// SetGradient has the convolution that computes n change its gradient.
func (n *Node) SetGradient(f Gradient) { n.fn.(*conv).gradient = f }

// conv is the Function of a convolution.
type conv struct {
	name string
	desc kernel.Conv
	plan *kernel.ConvPlan

	fixed bool // the weights are the same for all runs of a step: Graph.Parts

	input   *Node
	stepped SteppedWeights    // the weights, nil if they cannot be whole numbers of steps
	sets    []kernel.Integers // of the last run on them
	set     []float32         // the product with a set of the weights but the first
	add     addition          // of it

	gradient Gradient  // nil for none
	changed  []float32 // by it

	moments *storedMoments // of the result; nil where they are taken later

	// Of Integer runs: how the integers fall apart, and the accumulators.
	inputs, weights Planes
	sums            []sums // [plane of the weights][plane of the input]
	x, w            []float32
}

func (*conv) readsCodes() {}

func (f *conv) Forward(r *Run, y []float32, x [][]float32) error {
	if f.fixed && r.partial() && r.Mode == Train && count(f.weights) == 1 {
		f.plan.Hold(r.again)
	} else {
		f.plan.Release()
	}
	out := r.Batch * f.desc.OutH() * f.desc.OutW() * f.desc.OutC
	f.moments.follow(f, r, y)
	defer f.plan.Follow(nil)
	s := Site{Name: f.name, Y: y[:out]}
	if r.Mode == Integer {
		f.forwardInteger(r, y, x[0][:r.Batch*f.desc.InH*f.desc.InW*f.desc.InC], x[1])
		if f.sums[0].isWide {
			s.Wide = f.sums[0].wide[:out]
		}
	} else if sets := f.integers(r); len(sets) > 0 {
		f.forwardSets(r, y[:out], f.input.values(r, x[0]), x[1], sets)
	} else {
		f.plan.Forward(y, r.real(f.input.values(r, x[0]), r.Batch*f.input.size()), x[1], r.Batch)
	}
	if r.Tap != nil && r.Mode != Train {
		r.Tap(s)
	}
	return nil
}

// integers returns of which steps both operands are whole numbers in a run, for each set of
// the weights; none if they are no whole numbers, or too great.
func (f *conv) integers(r *Run) []kernel.Integers {
	s := stepsOf(f.input, r)
	if s.Step == 0 || f.stepped == nil {
		return nil
	}
	f.sets = f.sets[:0]
	steps, most := f.stepped.WeightSteps(r)
	each := len(steps) / count(f.weights)
	for k := range count(f.weights) {
		i := kernel.Integers{Input: s.Step, MostInput: s.magnitude(), Signed: s.Least < 0, Weights: steps[k*each:][:each], MostWeights: most}
		if !f.plan.HasIntegers(i) {
			return nil
		}
		f.sets = append(f.sets, i)
	}
	return f.sets
}

// forwardSets computes y on integers: the sum, in float32, of a product for each set of the
// weights.
func (f *conv) forwardSets(r *Run, y []float32, x kernel.Values, w []float32, sets []kernel.Integers) {
	f.plan.ForwardIntegers(y, x, plane(f.weights, 0, &f.w, w), r.Batch, sets[0])
	for k, steps := range sets[1:] {
		if len(f.set) < len(y) {
			f.set = make([]float32, len(y))
		}
		f.plan.ForwardIntegers(f.set, x, plane(f.weights, k+1, &f.w, w), r.Batch, steps)
		f.add.pool = r.pool
		f.add.of(y, y, f.set[:len(y)])
	}
}

func (f *conv) Backward(r *Run, dx [][]float32, dy []float32, x [][]float32) error {
	if f.gradient != nil {
		if f.changed == nil {
			f.changed = make([]float32, len(dy))
		}
		size := f.desc.OutH() * f.desc.OutW() * f.desc.OutC
		f.gradient.Change(r, f.changed[:r.Batch*size], dy[:r.Batch*size], size)
		dy = f.changed
	}
	if dx[1] == nil {
		if dx[0] != nil {
			f.plan.BackwardInputIntegers(dx[0], dy, x[1], r.Batch, f.weightIntegers(r))
		}
		return nil
	}
	v := f.input.values(r, x[0])
	if s := stepsOf(f.input, r); v.Codes == nil && s.Step > 0 && s.magnitude() <= kernel.MostCode {
		v.Step = s.Step
	}
	if dx[0] == nil {
		f.plan.BackwardWeights(dx[1], v, dy, r.Batch)
	} else {
		f.plan.BackwardIntegers(dx[0], dx[1], v, dy, x[1], r.Batch, f.weightIntegers(r))
	}
	return nil
}

// weightIntegers returns of which steps the weights are whole numbers in a run; none if they are no such numbers, or of
// several sets.
func (f *conv) weightIntegers(r *Run) (s kernel.Integers) {
	if f.stepped != nil && count(f.weights) == 1 {
		s.Weights, s.MostWeights = f.stepped.WeightSteps(r)
	}
	return s
}

// beside returns the number of float32 values that f holds beside the arena at most, the gradient that it changes, what sets
// of weights have it sum, the packed weights of a step in several runs, and, where integers of 8 bits may leave float32, the
// accumulators in float64; and the number of those that it shares with other convolutions, the image and the weights in float64.
func (f *conv) beside(batch int64) (own, shared int64) {
	out := batch * int64(f.desc.OutH()*f.desc.OutW()*f.desc.OutC)
	in := batch * int64(f.desc.InH*f.desc.InW*f.desc.InC)
	perOutput := int64(f.desc.Window.Taps() * (f.desc.InC / f.desc.Window.Groups))
	if f.gradient != nil {
		own += out
	}
	if _, ok := f.weights.(SplitPlanes); ok {
		own += out + perOutput*int64(f.desc.OutC)
	}
	if f.fixed {
		own += 4 * (perOutput*int64(aligned(f.desc.OutC)) + int64(f.desc.OutC*f.desc.Window.Taps()*aligned(f.desc.InC)))
	}
	if perOutput*128*255 >= 1<<24 {
		own += 2 * out
		shared = 2 * (in + perOutput*int64(f.desc.OutC))
	}
	return own, shared
}

// exact says whether every partial sum of integers x and w is exact in
// float32, in whatever order: Σ|w| max|x| < 2^24.
func (f *conv) exact(x, w []float32) bool {
	lo, hi := kernel.MinMax(x)
	perOutput := len(w) / f.desc.OutC
	var most float64
	for o := 0; o < len(w); o += perOutput {
		var sum float64
		for _, v := range w[o : o+perOutput] {
			sum += math.Abs(float64(v))
		}
		most = max(most, sum)
	}
	return most*float64(max(-lo, hi)) < 1<<24
}

// forwardInteger computes the accumulators of every pair of planes. The accumulators of
// the first pair are y, if float32 holds them.
func (f *conv) forwardInteger(r *Run, y, x, w []float32) {
	k := 0
	for m := range count(f.weights) {
		wm := plane(f.weights, m, &f.w, w)
		for n := range count(f.inputs) {
			s := &f.sums[k]
			switch {
			case k == 0:
				s.narrow = y
			case s.narrow == nil:
				s.narrow = make([]float32, len(y))
			}
			f.accumulate(r, s, plane(f.inputs, n, &f.x, x), wm)
			k++
		}
	}
}

// accumulate convolves integers, in float64 where float32 could be inexact:
// that is exact for every int32 accumulator.
func (f *conv) accumulate(r *Run, s *sums, x, w []float32) {
	if s.isWide = !f.exact(x, w); !s.isWide {
		f.plan.ForwardWhole(s.narrow, x, w, r.Batch)
		return
	}
	if s.wide == nil {
		s.wide = make([]float64, len(s.narrow))
	}
	kernel.ConvReference(f.desc, s.wide, widen(&r.wideX, x), widen(&r.wideW, w), r.Batch)
}

// widen returns x in float64, in memory that it makes larger where that is needed.
func widen(memory *[]float64, x []float32) []float64 {
	*memory = grown(*memory, len(x))
	for i, v := range x {
		(*memory)[i] = float64(v)
	}
	return (*memory)[:len(x)]
}
