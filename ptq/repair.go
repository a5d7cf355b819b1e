// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
)

// The repairs, in the order in which Quantize applies them; where others follow the clips,
// these are fitted once more in the end.
const (
	RepairEqualize  = "equalize"
	RepairClips     = "clips"
	RepairAdaRound  = "adaround"
	RepairBatchNorm = "batchnorm"
	RepairBias      = "bias"
)

// Repairs returns the names of all repairs, in their order.
func Repairs() []string {
	return []string{RepairEqualize, RepairClips, RepairAdaRound, RepairBatchNorm, RepairBias}
}

// Plan says how a network is quantized without training.
type Plan struct {
	Options          // of the ranges of tensors; their rule is that of the weights, too
	Repair  []string // names of Repairs, in any order
	// On, if not nil, is told of every stage of the work with how much of it is done.
	On func(stage string, done, all int)
}

// A Step is what one part of the work gained: the signal-to-noise ratio of the logits
// after it, the float network's being the signal, over 256 of the calibration images,
// spread over all.
type Step struct {
	Name  string  `json:"name"`
	SNRdB float64 `json:"snr_db"`
	Gain  float64 `json:"gain_db"` // over the network before it; 0 for the first
	// Kept says that the network stays so; a repair that lowers the signal is taken
	// back.
	Kept bool `json:"kept"`
}

// Outcome is what Quantize did.
type Outcome struct {
	Tensors []Tensor
	Steps   []Step
}

// Quantize quantizes the trained float network n by some images, which need no
// labels: it equalizes, if asked to, sets the scales of weights and the ranges of
// tensors, and then repairs. What the network computes in floating point before is
// what it should compute in integers after. It is an error if a repair is none of Repairs, and where Ranges, Weights or a
// repair fails.
func Quantize(ctx context.Context, n *layers.Network, images datasets.Split, plan Plan) (*Outcome, error) {
	for _, name := range plan.Repair {
		if !slices.Contains(Repairs(), name) {
			return nil, fmt.Errorf("ptq: there is no repair %q; choose from %s", name, strings.Join(Repairs(), ", "))
		}
	}
	q := &quantizing{n: n, images: images, judged: images.Spread(judged), plan: plan}
	return &q.outcome, q.run(ctx)
}

// judged is the most images that a step is measured on, and that repairs look at, layer
// after layer. All of those to calibrate with would take longer than the calibration
// itself, and more of the positions of fewer images tell as much.
const judged = 256

// quantizing is a Quantize under way.
type quantizing struct {
	n       *layers.Network
	images  datasets.Split
	plan    Plan
	judged  datasets.Split // those of the images that every step is measured on
	want    []float32      // the float network's logits for these, image by image
	means   Means          // and the means of its sums
	outcome Outcome
}

func (q *quantizing) run(ctx context.Context) (err error) {
	if q.want, err = Logits(ctx, q.n, q.judged, graph.Pass{}); err != nil {
		return err
	}
	if q.asked(RepairEqualize) {
		if _, err := Equalize(ctx, q.n, q.images, q.count(RepairEqualize)); err != nil {
			return err
		}
	}
	if q.asked(RepairBias) {
		if q.means, err = FloatMeans(ctx, q.n, q.judged); err != nil {
			return err
		}
	}
	q.n.Start()
	if err := Weights(q.n, q.plan.Rule, q.plan.Numbers); err != nil {
		return err
	}
	o := q.plan.Options
	o.Progress = q.count("calibrate")
	if q.outcome.Tensors, err = Ranges(ctx, q.n, q.images, o); err != nil {
		return err
	}
	if err := q.step(ctx, "calibrate"); err != nil {
		return err
	}
	for _, r := range []struct {
		name   string
		repair func(context.Context, *layers.Network, datasets.Split, func(done, all int)) error
	}{{RepairClips, q.clips}, {RepairAdaRound, AdaRound}, {RepairBatchNorm, ReestimateNorms}, {RepairBias, q.bias}, {RepairClips, q.clips}} {
		if !q.asked(r.name) || r.name == RepairClips && q.last() == RepairClips {
			continue
		}
		before, tensors := capture(q.n), slices.Clone(q.outcome.Tensors)
		if err := r.repair(ctx, q.n, q.judged, q.tell(r.name)); err != nil {
			return err
		}
		if err := q.step(ctx, r.name); err != nil {
			return err
		}
		if !q.outcome.Steps[len(q.outcome.Steps)-1].Kept {
			before.restore(q.n)
			q.outcome.Tensors = tensors
		}
	}
	return nil
}

// last returns the name of the last step.
func (q *quantizing) last() string { return q.outcome.Steps[len(q.outcome.Steps)-1].Name }

// clips is FitRanges on the images that every step is measured on.
func (q *quantizing) clips(ctx context.Context, n *layers.Network, _ datasets.Split, progress func(done, all int)) error {
	return FitRanges(ctx, n, q.judged, q.want, q.outcome.Tensors, progress)
}

// bias is CorrectBias with the means from before the repairs.
func (q *quantizing) bias(ctx context.Context, n *layers.Network, images datasets.Split, progress func(done, all int)) error {
	return CorrectBias(ctx, n, images, q.means, progress)
}

// values are the numbers of a network: parameters and states, in its order.
type values [][]float32

// numbers returns the slices that hold the numbers of a network.
func numbers(n *layers.Network) (list values) {
	for _, p := range n.Graph.Params() {
		list = append(list, p.Value)
	}
	for _, s := range n.State() {
		list = append(list, s.Data)
	}
	return list
}

// capture copies the numbers of a network.
func capture(n *layers.Network) values {
	list := numbers(n)
	for i := range list {
		list[i] = slices.Clone(list[i])
	}
	return list
}

// restore puts copied numbers back.
func (v values) restore(n *layers.Network) {
	for i, to := range numbers(n) {
		copy(to, v[i])
	}
}

func (q *quantizing) asked(repair string) bool { return slices.Contains(q.plan.Repair, repair) }

// tell returns a function that passes progress on.
func (q *quantizing) tell(stage string) func(done, all int) {
	return func(done, all int) {
		if q.plan.On != nil {
			q.plan.On(stage, done, all)
		}
	}
}

// count does the same for images.
func (q *quantizing) count(stage string) func(done int) {
	tell := q.tell(stage)
	return func(done int) { tell(done, q.images.Len()) }
}

// step notes what the logits are worth after a part of the work.
func (q *quantizing) step(ctx context.Context, name string) error {
	got, err := Logits(ctx, q.n, q.judged, graph.Pass{Quantize: true})
	if err != nil {
		return err
	}
	s := Step{Name: name, SNRdB: snr(q.want, got), Kept: true}
	for _, before := range slices.Backward(q.outcome.Steps) {
		if before.Kept {
			s.Gain = s.SNRdB - before.SNRdB
			s.Kept = s.Gain >= 0
			break
		}
	}
	q.outcome.Steps = append(q.outcome.Steps, s)
	return nil
}

// Logits returns the logits of all images, image by image. It is an error if the images cannot be read, if the network cannot
// be evaluated, or if ctx ends.
func Logits(ctx context.Context, n *layers.Network, images datasets.Split, p graph.Pass) ([]float32, error) {
	var all []float32
	for b, err := range images.Batches(n.Graph.Batch()) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		y, err := n.Forward(p.In(graph.Eval), b.Images, b.Labels)
		if err != nil {
			return nil, err
		}
		all = append(all, y...)
	}
	return all, nil
}

// snr returns 10·log₁₀ of the ratio of Σ want² and Σ (got − want)², at most 200.
func snr(want, got []float32) float64 {
	var signal, noise float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		signal += float64(w) * float64(w)
		noise += d * d
	}
	const most = 200
	if noise == 0 {
		return most
	}
	return min(most, 10*math.Log10(signal/noise))
}
