// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/bits"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/logits"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/quant"
)

// A Verification is the comparison of a training graph with the integer runtime
// on a number of images.
type Verification struct {
	Images  int `json:"images"`
	Tensors int `json:"tensors"` // compared for each image
	// IntegerMismatches counts the integers that differ between the runtime and
	// the graph in exact integer mode, over all tensors and images.
	IntegerMismatches int64 `json:"integer_mismatches"`
	// The rest compares the runtime with the ordinary fake-quantized forward
	// pass, in floating point but for its sums: the fraction of images with the same
	// top class, and, where each layer is fed the runtime's integers, the
	// largest difference of a tensor's value in steps and the fraction that
	// differ.
	FakequantTop1Agreement float64 `json:"fakequant_top1_agreement"`
	FakequantMaxSteps      int     `json:"fakequant_max_steps"`
	FakequantDiffering     float64 `json:"fakequant_differing"`
}

// Verify runs every image of the split through the network's graph and through
// the runtime's model, and compares them tensor by tensor. The integers of the
// graph are derived from the network, never read from the model. A model with
// other tensors than the network is an error; a model with other numbers gives
// mismatches.
func Verify(ctx context.Context, n *layers.Network, m *infer.Model, s datasets.Split, threads int, progress func(done int)) (Verification, error) {
	if s.Len() == 0 {
		return Verification{}, fmt.Errorf("export: there are no images to verify with")
	}
	plan, err := Derive(n)
	if err != nil {
		return Verification{}, err
	}
	v := &verifier{plan: plan, tensors: map[string]*observed{}}
	if err := v.prepare(m, threads); err != nil {
		return Verification{}, err
	}
	for b, err := range s.Batches(n.Graph.Batch()) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return Verification{}, err
		}
		if err := v.batch(b.Images, b.Labels); err != nil {
			return Verification{}, err
		}
		if progress != nil {
			progress(b.End())
		}
	}
	return v.result(s.Len()), nil
}

// observed is a tensor of the runtime in the current batch.
type observed struct {
	unit  *Unit // that computes it
	codes []uint8
	wide  []int32
	steps []fixed.Step
	seen  bool // the graph has shown its own
}

type verifier struct {
	plan    *Plan
	runner  *infer.Runner
	tensors map[string]*observed
	logits  []int32

	err                     error // of a tap
	mismatches              int64
	agree                   int
	maxSteps                int
	values, differingValues int64
}

func (v *verifier) prepare(m *infer.Model, threads int) error {
	n := v.plan.Network
	for _, u := range v.plan.Units {
		v.tensors[u.Output.Name] = &observed{unit: u}
		switch {
		case u.Requantizer != nil:
			v.setInteger(u)
		case u.Thresholds != nil:
			u.Output.Node().SetSigns(u.Thresholds)
		case u.Tables != nil:
			var zeros []int32
			for _, in := range u.Inputs {
				zeros = append(zeros, in.ZeroPoint)
			}
			u.Output.Node().SetTables(u.Tables, zeros, u.Output.ZeroPoint)
		case u.Table != nil:
			u.Output.Node().SetTable(u.Table, 1<<u.Inputs[0].Bits, u.Inputs[0].ZeroPoint, u.Output.ZeroPoint)
		}
	}
	var err error
	if v.runner, err = m.NewRunner(infer.Options{Batch: n.Graph.Batch(), Threads: threads, Work: m.Work(), Observe: v.observe}); err != nil {
		return err
	}
	known := 0
	for _, l := range v.runner.Layers() {
		if v.tensors[l.Name] == nil {
			return fmt.Errorf("export: the model is of another network: it has a layer %s, the checkpoint has not", l.Name)
		}
		known++
	}
	if known != len(v.tensors) || len(m.Classes()) != len(n.Classes) {
		return fmt.Errorf("export: the model is of another network: it has %d layers and %d classes, the checkpoint %d and %d", known, len(m.Classes()), len(v.tensors), len(n.Classes))
	}
	v.logits = make([]int32, n.Graph.Batch()*len(n.Classes))
	return nil
}

// setInteger gives the graph the requantizer of a unit, and what online ranges it is
// about.
func (v *verifier) setInteger(u *Unit) {
	n := u.Output.Node()
	n.SetInteger(u.Requantizer)
	if u.Requantizer.Divisors != nil {
		from := make([]*graph.Node, len(u.Terms))
		for i, t := range u.Terms {
			if t != nil {
				from[i] = t.Node()
			}
		}
		n.SetSteps(from)
	}
	if u.Ranged() {
		n.SetOnline(u.Output.online())
		v.tensors[graph.ValuesName(u.Output.Name)] = &observed{unit: u}
	}
}

// observe keeps a copy of a tensor of the runtime.
func (v *verifier) observe(o infer.Observation) {
	t := v.tensors[o.Name]
	t.codes = append(t.codes[:0], o.Codes...)
	t.wide = append(t.wide[:0], o.Wide...)
	t.steps = append(t.steps[:0], o.Steps...)
}

func (v *verifier) batch(images []uint8, labels []int32) error {
	n := v.plan.Network
	logits := v.logits[:len(labels)*len(n.Classes)]
	if err := v.runner.Run(logits, images); err != nil {
		return err
	}
	for _, t := range v.tensors {
		t.seen = false
	}
	for _, pass := range []struct {
		mode graph.Mode
		tap  func(graph.Site)
	}{{graph.Integer, v.compareIntegers}, {graph.Eval, v.compareSteps}, {graph.Eval, nil}} {
		real, err := n.Forward(graph.Pass{Mode: pass.mode, Quantize: true, Tap: pass.tap}, images, labels)
		if err == nil {
			err = v.err
		}
		if err != nil {
			return err
		}
		if pass.tap == nil {
			v.compareTop(real, logits)
		}
	}
	for name, t := range v.tensors {
		if !t.seen {
			return fmt.Errorf("export: the graph did not show the tensor %s", name)
		}
	}
	return nil
}

// site returns the runtime's tensor for one of the graph, nil if it has none.
func (v *verifier) site(s graph.Site) *observed {
	t := v.tensors[s.Name]
	if t != nil && len(t.codes)+len(t.wide) != len(s.Y) && v.err == nil {
		v.err = fmt.Errorf("export: the model is of another network: tensor %s has %d values, the checkpoint's %d", s.Name, len(t.codes)+len(t.wide), len(s.Y))
	}
	if v.err != nil {
		return nil
	}
	return t
}

// compareIntegers compares a tensor of the graph in exact integer mode with the
// runtime's. Sites are matched to tensors of the model by name; the site of a
// convolution has the name of a tensor only where the accumulators are a tensor.
func (v *verifier) compareIntegers(s graph.Site) {
	t := v.site(s)
	if t == nil {
		return
	}
	t.seen = true
	value := func(i int) int64 { return int64(s.Y[i]) }
	switch {
	case s.Codes != nil:
		value = func(i int) int64 { return int64(s.Codes[i]) }
	case s.Wide != nil:
		value = func(i int) int64 { return int64(s.Wide[i]) }
	case len(t.codes) > 0:
		value = func(i int) int64 { return int64(s.Y[i]) + int64(t.unit.Output.zero(i)) }
	}
	for i, c := range t.codes {
		if int64(c) != value(i) {
			v.mismatches++
		}
	}
	for i, c := range t.wide {
		if int64(c) != value(i) {
			v.mismatches++
		}
	}
}

// compareSteps compares the result of an epilogue in the fake-quantized pass
// with the runtime's codes, and puts the latter in its place, so that the next
// layer is fed the same integers.
func (v *verifier) compareSteps(s graph.Site) {
	t := v.site(s)
	if t == nil || t.unit.Output.Quantizer == nil || len(t.codes) == 0 {
		return
	}
	v.values += int64(len(t.codes))
	q := t.unit.Output
	if q.Signs != nil {
		v.compareSigns(s.Y, t.codes, q.Signs)
		return
	}
	params, size := q.Params, q.Size()
	for i, c := range t.codes {
		if i%size == 0 && len(t.steps) > 0 {
			params.Scale = q.scaleOf(t.steps[i/size])
		}
		v.count(int(quant.RoundEven32(s.Y[i]/params.Scale)) + int(params.ZeroPoint) - int(c))
		s.Y[i] = params.Real(int32(c))
	}
}

// scaleOf returns the real value of a step between codes in an image, 1 where all its
// values are 0.
func (t *Tensor) scaleOf(s fixed.Step) float32 {
	if s.N == 0 {
		return 1
	}
	return float32(float64(t.Scale) * float64(s.N) / float64(s.D))
}

// compareSigns does the same for signs with the given scales: a step is a sign.
func (v *verifier) compareSigns(y []float32, codes []uint8, scales []float32) {
	values := make([]float32, len(scales)+1) // of a code by its number of ones
	for ones := range values {
		for n, s := range scales {
			if n >= ones {
				s = -s
			}
			values[ones] += s
		}
	}
	for i, c := range codes {
		nearest := 0
		for ones, value := range values {
			if math.Abs(float64(value-y[i])) < math.Abs(float64(values[nearest]-y[i])) {
				nearest = ones
			}
		}
		ones := bits.OnesCount8(c)
		v.count(nearest - ones)
		y[i] = values[ones]
	}
}

// count notes by how many steps a value differs.
func (v *verifier) count(steps int) {
	if steps != 0 {
		v.differingValues++
		v.maxSteps = max(v.maxSteps, steps, -steps)
	}
}

// compareTop counts the images with the same top class.
func (v *verifier) compareTop(real []float32, integers []int32) {
	classes := len(v.plan.Network.Classes)
	for at := 0; at < len(integers); at += classes {
		if logits.Top(real[at:at+classes]) == logits.Top(integers[at:at+classes]) {
			v.agree++
		}
	}
}

func (v *verifier) result(images int) Verification {
	r := Verification{
		Images: images, Tensors: len(v.tensors), IntegerMismatches: v.mismatches,
		FakequantTop1Agreement: float64(v.agree) / float64(images), FakequantMaxSteps: v.maxSteps,
	}
	if v.values > 0 {
		r.FakequantDiffering = float64(v.differingValues) / float64(v.values)
	}
	return r
}

// Warning says, in words, that the integers find other classes than training did; it is
// empty where they do so for at most 1 % of the images.
func (v Verification) Warning() string {
	const wanted = 0.99
	if v.FakequantTop1Agreement >= wanted {
		return ""
	}
	return fmt.Sprintf("the integers find another class than training did for %.1f %% of the images; the network is weak, see its accuracy",
		100*(1-v.FakequantTop1Agreement))
}
