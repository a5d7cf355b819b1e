// SPDX-License-Identifier: Apache-2.0

package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// A plan is a search under way.
type plan struct {
	problem
	o      Options
	pool   *graph.Pool
	image  map[string]bool // layers that read the image
	recipe *recipe.Recipe  // of the training that follows, without rules
	// overhead are the bytes of the file beside the weights.
	overhead int64
	classes  []string // by the names that the data gives them, nil before it is read
}

// newPlan reads the checkpoint and lists what its network spends bits on. The pool of the
// plan is to be closed.
func newPlan(o Options) (_ *plan, err error) {
	p := &plan{o: o, pool: graph.NewPool(o.Settings.Threads)}
	defer func() {
		if err != nil {
			p.pool.Close()
		}
	}()
	c, err := train.ReadCheckpoint(o.Checkpoint)
	if err != nil {
		return nil, err
	}
	if p.recipe, err = recipe.Parse([]byte(c.Info.Recipe), o.Checkpoint); err != nil {
		return nil, fmt.Errorf("search: the recipe in checkpoint %s: %w", o.Checkpoint, err)
	}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	n, err := p.network(p.recipe.QAT)
	if err != nil {
		return nil, err
	}
	var names []string
	p.image = map[string]bool{}
	for _, u := range n.Network.Units {
		if u.Kind.Weighted() {
			names = append(names, u.Name)
			p.image[u.Name] = u.Input().Origin().Source == nil
		}
	}
	q := p.recipe.QAT
	q.Layers = p.rules(names, func(int) (weights, input int) { return o.Widths[0], o.Widths[0] })
	if n, err = p.network(q); err != nil {
		return nil, err
	}
	p.ledger = newLedger(n.Network, o.Widths[0])
	p.packing = pipeline.Packing(&q)
	for range p.layers {
		p.widths.weights = append(p.widths.weights, o.Widths)
	}
	for _, t := range p.tensors {
		widths := []int{t.bits}
		if t.chosen && o.Budget.narrows() {
			widths = o.Widths
		}
		p.widths.tensors = append(p.widths.tensors, widths)
	}
	return p, nil
}

// prepare makes the recipe that of a training from the checkpoint whose layers all have
// bits of their own.
func (p *plan) prepare() error {
	r, q := p.recipe, &p.recipe.QAT
	r.Version, r.Out, r.Init = "", "", p.o.Checkpoint
	if p.o.Settings.Data != "" {
		r.Data.Name, r.Data.Dir = p.o.Settings.Data, ""
	}
	r.Data.Dir = cmp.Or(p.o.Settings.Dir, r.Data.Dir)
	if p.o.Settings.Seed != nil {
		r.Seed = *p.o.Settings.Seed
	}
	q.Layers, q.Stages, q.Granularity, q.FixedRanges = nil, nil, p.o.Settings.Granularity, false
	q.Packing = cmp.Or(p.o.Settings.Packing, q.Packing)
	if p.o.Method != "" {
		q.Method, q.Weights = p.o.Method, ""
	}
	if p.o.Budget.narrows() || q.ActivationBits == qat.FloatBits { // of tensors that no layer with weights reads
		q.ActivationBits = 8
	}
	if q.Epochs == 0 {
		q.Phase = recipe.Default().QAT.Phase
	}
	if q.FirstLast == string(qat.FirstLastFloat) {
		q.FirstLast = string(qat.FirstLast8)
	}
	for _, name := range []string{q.Method, cmp.Or(q.Weights, q.Method)} {
		m, err := qat.Lookup(name)
		if err != nil {
			return err
		}
		info := m.Info()
		for _, b := range p.o.Widths {
			if info.Signs || !slices.Contains(info.WeightBits, b) || !slices.Contains(info.ActivationBits, b) {
				return fmt.Errorf("search: method %s has no %d bits for weights and activations; choose another method, such as int, pact or lsq, or other widths", name, b)
			}
		}
	}
	return nil
}

// rules returns a rule for each layer.
func (p *plan) rules(names []string, of func(layer int) (weights, input int)) []recipe.Rule {
	var list []recipe.Rule
	for i, name := range names {
		r := recipe.Rule{Match: exactly(name)}
		r.WeightBits, r.ActivationBits = of(i)
		if !p.o.Budget.narrows() {
			r.ActivationBits = 0
		}
		if p.image[name] && r.ActivationBits != 0 { // the image stays as it is
			r.ActivationBits = imageBits
		}
		list = append(list, r)
	}
	return list
}

// exactly returns the pattern of path.Match that matches a name alone.
func exactly(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// network builds the checkpoint's network with a quantization, and what its file says of the training that follows.
func (p *plan) network(q recipe.QAT) (*pipeline.Restored, error) {
	n, err := pipeline.OpenFloat(p.o.Checkpoint, q, evaluate.Batch, p.pool)
	if err != nil {
		return nil, err
	}
	n.Recipe.Seed = p.recipe.Seed
	if p.classes != nil {
		n.Network.Classes = p.classes
	}
	return n, nil
}

// calibrationImages are as many as there are scales to be found: any do for a size.
const calibrationImages = 64

// build builds the network of some bits, sees that it has them, and counts what the
// file takes that it exports to.
func (p *plan) build(b bits) (*recipe.Recipe, Spending, error) {
	r := *p.recipe
	var names []string
	for _, l := range p.layers {
		names = append(names, l.name)
	}
	r.QAT.Layers = p.rules(names, func(i int) (int, int) { return b.weights[i], b.tensors[p.layers[i].input] })
	n, err := p.network(r.QAT)
	if err != nil {
		return nil, Spending{}, err
	}
	if err := p.has(n.Network, b); err != nil {
		return nil, Spending{}, err
	}
	spent, err := spending(n)
	spent.WeightBits, spent.ActivationBits = p.means(b)
	return &r, spent, err
}

// has wants a network to have some bits.
func (p *plan) has(n *layers.Network, b bits) error {
	got := newLedger(n, 0)
	for i, l := range p.layers {
		if u := unit(n, l.name); u.Quantizer.Bits() != b.weights[i] {
			return fmt.Errorf("search: layer %s has weights of %d bits, want %d: this is a defect of goqat, please report it", l.name, u.Quantizer.Bits(), b.weights[i])
		}
	}
	for i, t := range p.tensors {
		if got.tensors[i].bits != b.tensors[i] {
			return fmt.Errorf("search: tensor %s has %d bits, want %d: this is a defect of goqat, please report it", t.name, got.tensors[i].bits, b.tensors[i])
		}
	}
	return nil
}

func unit(n *layers.Network, name string) *layers.Unit {
	return n.Units[slices.IndexFunc(n.Units, func(u *layers.Unit) bool { return u.Name == name })]
}

// spending returns what the model takes at most that a network exports to after a training.
func spending(n *pipeline.Restored) (s Spending, err error) {
	in := n.Network.Input
	images := datasets.Split{Images: make([]uint8, calibrationImages*in.Height*in.Width*in.Channels), Labels: make([]int32, calibrationImages)}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range images.Images {
		images.Images[i] = uint8(rng.UintN(256))
	}
	if err := pipeline.Calibrate(n.Network, images); err != nil {
		return s, err
	}
	derived, err := export.Derive(n.Network)
	if err != nil {
		return s, err
	}
	m, err := derived.Lower(n.About())
	if err != nil {
		return s, err
	}
	most, err := m.MostBytes()
	if err != nil {
		return s, err
	}
	d, err := describe.Model(m, "")
	if err != nil {
		return s, err
	}
	s.FileBytes, s.EnergyUJ = most, d.EnergyUJ
	for _, l := range d.Layers {
		s.BitOps += l.MACs * int64(l.WeightBits*l.ActivationBits)
	}
	return s, nil
}

// spent returns the part of a spending that the budget counts.
func (p *plan) spent(s Spending) float64 {
	switch p.o.Budget.Of {
	case Bytes:
		return float64(s.FileBytes)
	case BitOps:
		return float64(s.BitOps)
	case Energy:
		return s.EnergyUJ
	}
	return max(s.WeightBits, s.ActivationBits)
}

// least sees what the fewest bits take, and whether that keeps the budget.
func (p *plan) least() error {
	b := bits{p.first(p.widths.weights), p.first(p.widths.tensors)}
	_, spent, err := p.build(b)
	if err != nil {
		return err
	}
	if s := p.spent(spent); s > p.o.Budget.Most {
		return fmt.Errorf("search: the network takes %s=%.6g with the fewest bits, more than the budget of %.6g; allow more, fewer bits, or make the network smaller", p.o.Budget.Of, s, p.o.Budget.Most)
	}
	p.overhead = spent.FileBytes
	prices := p.bytePrices()
	for i := range p.layers {
		p.overhead -= prices.weights(i, b.weights[i], 0)
	}
	return nil
}
