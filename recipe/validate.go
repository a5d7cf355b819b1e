// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
)

// Validate checks every value that stands for itself and lists all problems in
// one error. Names of networks, data sets and methods are checked where they
// are looked up, shapes where the network is built.
func (r *Recipe) Validate() error {
	var c check
	c.model(&r.Model)
	c.data(&r.Data)
	between(&c, "batch", r.Batch, 1, 1<<16)
	c.shards(r)
	between(&c, "seed", r.Seed, 0, math.MaxInt32)
	between(&c, "threads", r.Threads, 0, 1<<10)
	c.phase("float", &r.Float)
	c.phase("qat", &r.QAT.Phase)
	c.qat(&r.QAT)
	if r.Float.Epochs == 0 && r.QAT.Epochs == 0 {
		c.report("float.epochs and qat.epochs are both 0, so there is nothing to train")
	}
	c.transfer(r)
	c.oneOf("loss", r.Loss, "cross_entropy", "squared_hinge")
	below(&c, "smoothing", r.Smoothing, 0, 1)
	c.classWeights(r.ClassWeights)
	c.oneOf("best", r.Best, "auto", "accuracy", "balanced")
	if r.Loss == "squared_hinge" && (r.Smoothing > 0 || r.Data.Augment.Mixup > 0) {
		c.report("smoothing and data.augment.mixup need the loss cross_entropy, not squared_hinge")
	}
	if r.Loss == "squared_hinge" && r.Teacher.Checkpoint != "" {
		c.report("teacher.checkpoint: a teacher needs the loss cross_entropy, not squared_hinge")
	}
	above(&c, "teacher.temperature", r.Teacher.Temperature, 0, 1e3)
	between(&c, "teacher.weight", r.Teacher.Weight, 0, 1)
	between(&c, "verify.images", r.Verify.Images, 0, math.MaxInt32)
	if c.problems == nil {
		return nil
	}
	return c.problems
}

// leastShard is the least number of images of a shard: the statistics of fewer are too
// far from those of all.
const leastShard = 8

// LeastBatch returns the least batch that so many shards can cut.
func LeastBatch(shards int) int {
	if shards == 1 {
		return 1
	}
	return leastShard * shards
}

func (c *check) shards(r *Recipe) {
	between(c, "shards", r.Shards, 1, 1<<12)
	if least := LeastBatch(r.Shards); r.Shards > 1 && r.Batch < least {
		c.report("shards is %d, which leaves fewer than %d images of a batch of %d for each; raise batch to %d or lower shards", r.Shards, leastShard, r.Batch, least)
	}
}

func (c *check) transfer(r *Recipe) {
	t := &r.Transfer
	c.oneOf("transfer.head", t.Head, "none", "keep", "new")
	above(c, "transfer.body_rate", t.BodyRate, 0, 1e3)
	for i, pattern := range t.Freeze {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			c.report("transfer.freeze[%d] is %q, must be a pattern of layer names as in \"conv1\" or \"fc*\"", i, pattern)
		}
	}
	switch {
	case t.Head != "none" && r.Init == "":
		c.report("transfer.head is %s, but there is no checkpoint to start from; name it by init", t.Head)
	case t.Head != "none" && r.Float.Epochs == 0:
		c.report("transfer.head is %s, which is trained in the float phase, but float.epochs is 0", t.Head)
	case t.Head == "none" && (len(t.Freeze) > 0 || t.BodyRate != 1):
		c.report("transfer.freeze and transfer.body_rate are of a network trained before: name it by init and set transfer.head to keep or new")
	}
}

// check collects problems.
type check struct {
	problems problems
}

func (c *check) report(format string, args ...any) {
	if c.problems.enough() {
		return
	}
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// between wants v in [lo, hi].
func between[T cmp.Ordered](c *check, name string, v, lo, hi T) {
	if !(v >= lo && v <= hi) {
		c.report("%s is %v, must be from %v to %v", name, v, lo, hi)
	}
}

// above wants v in (lo, hi].
func above(c *check, name string, v, lo, hi float64) {
	if !(v > lo && v <= hi) {
		c.report("%s is %v, must be above %v and at most %v", name, v, lo, hi)
	}
}

// below wants v in [lo, hi).
func below(c *check, name string, v, lo, hi float64) {
	if !(v >= lo && v < hi) {
		c.report("%s is %v, must be at least %v and below %v", name, v, lo, hi)
	}
}

func (c *check) oneOf(name, v string, choices ...string) {
	if slices.Contains(choices, v) {
		return
	}
	last := len(choices) - 1
	list := strings.Join(choices[:last], ", ") + " or " + choices[last]
	if n := Nearest(v, choices); n != "" {
		c.report("%s is %q, did you mean %q? (%s)", name, v, n, list)
		return
	}
	c.report("%s is %q, must be %s", name, v, list)
}

func (c *check) given(name, v string) {
	if v == "" {
		c.report("%s is empty", name)
	}
}

// bits wants a width the integer runtime has, 32 for float, or 0 for the method's
// own or what it was.
func (c *check) bits(name string, v int) {
	if v != 0 && v != 32 && (v < 1 || v > 8) {
		c.report("%s is %d, must be from 1 to 8, or 32 for float", name, v)
	}
}

func (c *check) data(d *Data) {
	const side = 1 << 12
	c.given("data.name", d.Name)
	between(c, "data.height", d.Height, 0, side)
	between(c, "data.width", d.Width, 0, side)
	if d.Channels != 0 && d.Channels != 1 && d.Channels != 3 {
		c.report("data.channels is %d, must be 1 for gray, 3 for colour or 0 for the data's own", d.Channels)
	}
	between(c, "data.percentile", d.Percentile, 0, 100)
	for _, m := range d.Mean.Values {
		between(c, "data.mean", m, 0, 1)
	}
	for _, s := range d.Deviation.Values {
		above(c, "data.deviation", s, 1e-6, 1e6)
	}
	c.augment(&d.Augment)
	between(c, "data.balance", d.Balance, 0, 1)
	c.oneOf("data.resize", d.Resize, "stretch", "crop", "pad")
	between(c, "data.train_limit", d.TrainLimit, 0, math.MaxInt32)
	between(c, "data.test_limit", d.TestLimit, 0, math.MaxInt32)
}

func (c *check) augment(a *Augment) {
	if p := a.Crop; p.Pixels < 0 || p.Pixels > 1<<12 || !(p.Percent >= 0 && p.Percent < 100) {
		c.report("data.augment.crop is %v, must be pixels from 0 to %d or a share from 0%% to below 100%%", p.String(), 1<<12)
	}
	between(c, "data.augment.rotate", a.Rotate, 0, 180)
	between(c, "data.augment.scale", a.Scale, 0, 0.9)
	between(c, "data.augment.brightness", a.Brightness, 0, 1)
	between(c, "data.augment.contrast", a.Contrast, 0, 1)
	between(c, "data.augment.noise", a.Noise, 0, 1)
	between(c, "data.augment.cutout", a.Cutout, 0, 1)
	between(c, "data.augment.mixup", a.Mixup, 0, 1)
}

// phase checks the settings of a phase that takes place.
func (c *check) phase(name string, p *Phase) {
	between(c, name+".epochs", p.Epochs, 0, 1<<20)
	if p.Epochs == 0 {
		return
	}
	c.oneOf(name+".optimizer", p.Optimizer, "sgd", "adam", "adamw")
	above(c, name+".lr", p.LR, 0, 1e3)
	below(c, name+".momentum", p.Momentum, 0, 1)
	if p.Nesterov && p.Momentum == 0 {
		c.report("%s.nesterov needs %s.momentum above 0", name, name)
	}
	c.oneOf(name+".schedule", p.Schedule, "constant", "step", "cosine")
	for i, m := range p.Milestones {
		if !(m > 0 && m < 1) || i > 0 && m <= p.Milestones[i-1] {
			c.report("%s.milestones are %v, must be rising fractions between 0 and 1", name, p.Milestones)
			break
		}
	}
	if p.Milestones != nil && p.Schedule != "step" {
		c.report("%s.milestones are of the schedule step, not of %s", name, p.Schedule)
	}
	between(c, name+".warmup", p.Warmup, 0, max(0, float64(p.Epochs)))
	between(c, name+".decay", p.Decay, 0, 1)
	between(c, name+".clip_norm", p.ClipNorm, 0, 1e6)
	below(c, name+".average", p.Average, 0, 1)
	between(c, name+".patience", p.Patience, 0, 1<<20)
}

func (c *check) qat(q *QAT) {
	c.given("qat.method", q.Method)
	c.bits("qat.weight_bits", q.WeightBits)
	c.bits("qat.activation_bits", q.ActivationBits)
	c.bits("qat.gradient_bits", q.GradientBits)
	c.oneOf("qat.first_last", q.FirstLast, "8", "same", "float")
	c.oneOf("qat.residuals", q.Residuals, "narrow", "wide")
	between(c, "qat.clip_decay", q.ClipDecay, 0, 1)
	c.oneOf("qat.granularity", q.Granularity, "per_channel", "per_tensor")
	c.oneOf("qat.ranges", q.Ranges, "offline", "online")
	c.oneOf("qat.observer", q.Observer, "minmax", "moving_average")
	between(c, "qat.observer_freeze", q.ObserverFreeze, 0, 1)
	between(c, "qat.batchnorm_freeze", q.BatchNormFreeze, 0, 1<<20)
	between(c, "qat.batchnorm_reestimate", q.BatchNormReestimate, 0, math.MaxInt32)
	between(c, "qat.ewgs", q.EWGS, 0, 2)
	between(c, "qat.dampen", q.Dampen, 0, 1e3)
	below(c, "qat.freeze_oscillating", q.FreezeOscillating, 0, 1)
	c.oneOf("qat.scales", q.Scales, "float", "pow2")
	c.oneOf("qat.bias", q.Bias, "free", "accumulator")
	c.oneOf("qat.packing", q.Packing, "aligned", "dense")
	for _, wrong := range q.All.Check() {
		c.report("qat.%s", wrong)
	}
	for i, rule := range q.Layers {
		name := fmt.Sprintf("qat.layers[%d]", i)
		if _, err := path.Match(rule.Match, ""); err != nil || rule.Match == "" {
			c.report("%s.match is %q, must be a pattern of layer names as in \"conv1\" or \"fc*\"", name, rule.Match)
		}
		c.bits(name+".weight_bits", rule.WeightBits)
		c.bits(name+".activation_bits", rule.ActivationBits)
		if rule.Ranges != "" {
			c.oneOf(name+".ranges", rule.Ranges, "offline", "online")
		}
	}
	c.stages(q)
}

func (c *check) stages(q *QAT) {
	epochs := 0
	for i, s := range q.Stages {
		name := fmt.Sprintf("qat.stages[%d]", i)
		between(c, name+".epochs", s.Epochs, 1, 1<<20)
		if _, err := path.Match(s.Match, ""); err != nil {
			c.report("%s.match is %q, must be a pattern of layer names as in \"conv1\" or \"fc*\"", name, s.Match)
		}
		if s.WeightBits != 0 {
			c.bits(name+".weight_bits", s.WeightBits)
		}
		if s.ActivationBits != 0 {
			c.bits(name+".activation_bits", s.ActivationBits)
		}
		epochs += s.Epochs
	}
	if epochs > 0 && epochs >= q.Epochs {
		c.report("qat.stages have %d epochs, must be fewer than the %d of qat.epochs", epochs, q.Epochs)
	}
}
