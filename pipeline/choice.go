// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/recipe"
)

// A Choice chooses what neither a recipe nor a flag says: for images and signals of
// one's own by the set, for named data sets as in recipe.Default, for both by the bits. What
// the rules rest on is in docs/results.md.
type Choice struct {
	// Given are the keys that somebody gave a value, as in "qat.lr". Those below a given key
	// count as given, too.
	Given []string
}

// given says whether somebody gave one of the keys, or one that holds it or is held by it.
func (c *Choice) given(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		return slices.ContainsFunc(c.Given, func(g string) bool {
			return g == key || strings.HasPrefix(g, key+".") || strings.HasPrefix(key, g+".")
		})
	})
}

// adopt takes the size of images, and the network, from the checkpoint of init, or the
// size from the teacher, whose weights expect them. What is wrong with a checkpoint is
// said where it is read for good.
func (c *Choice) adopt(r *recipe.Recipe) (reasons []string) {
	file, role := r.Init, "init"
	if file == "" {
		file, role = r.Teacher.Checkpoint, "teacher"
	}
	if file == "" {
		return nil
	}
	made, of, err := readCheckpoint(file)
	if err != nil {
		return nil
	}
	if role == "init" && !c.given("model") {
		r.Model = of.Model
		reasons = append(reasons, fmt.Sprintf("network %s: that of the checkpoint (init)", describeModel(r.Model)))
	}
	if in := made.Info.Input; in.Samples == nil && !c.given("data.height", "data.width", "data.channels", "data.resize") {
		r.Data.Height, r.Data.Width, r.Data.Channels, r.Data.Resize = in.Height, in.Width, in.Channels, of.Data.Resize
	}
	return reasons
}

// longestSide is that of images whose size nobody gave.
const longestSide = 64

// facts are what choices depend on.
type facts struct {
	images                  int // to train with
	height, width, channels int
	signals                 bool
	unbalanced              bool
}

func (s split) facts() facts {
	return facts{s.train.Len(), s.Height, s.Width, s.Channels, s.Samples != nil, s.unbalanced()}
}

// choose sets what nobody gave by the data and the bits and returns what it chose and why,
// a sentence each.
func (c *Choice) choose(r *recipe.Recipe, f facts) (reasons []string) {
	say := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	switch {
	case !datasets.Named(r.Data.Name):
		c.chooseForSet(r, f, say)
	case r.Data.Name == "cifar10" && !c.given("data.augment"):
		r.Data.Augment = recipe.Augment{Crop: recipe.Length{Pixels: 4}, Flip: true}
		say("photographs are padded by 4 pixels, cropped and mirrored (data.augment), as is usual for CIFAR-10")
	}
	c.chooseFewBits(r, f, say)
	return reasons
}

// chooseForSet sets what nobody gave for images and signals of one's own.
func (c *Choice) chooseForSet(r *recipe.Recipe, f facts, say func(string, ...any)) {
	if !c.given("data.height", "data.width") && !f.signals {
		r.Data.Height, r.Data.Width = f.height, f.width
	}
	if f.signals && f.channels > 1 && !c.given("data.mean", "data.deviation") && r.Init == "" {
		r.Data.Mean, r.Data.Deviation = recipe.Levels{Auto: true}, recipe.Levels{Auto: true}
	}
	if !c.given("model") && r.Init == "" {
		var why string
		r.Model, why = networkFor(f)
		say("network %s: %s", describeModel(r.Model), why)
	}
	c.chooseBits(r, f, say)
	c.chooseLength(r, f, say)
	if f.unbalanced && !c.given("class_weights", "data.balance") {
		r.Data.Balance = 1
		say("all classes are drawn alike (data.balance: 1): one has more than twice the images of another")
	}
}

// chooseLength sets the batch, the epochs and the learning rates, which are in proportion
// to the batch (Goyal et al. 2017, "Accurate, large minibatch SGD").
func (c *Choice) chooseLength(r *recipe.Recipe, f facts, say func(string, ...any)) {
	usual := r.Batch
	if !c.given("batch") {
		r.Batch = max(batchFor(f), recipe.LeastBatch(r.Shards))
		if f.largest() < largestBatch {
			say("batches of %d: a step keeps every layer of all its images, which are %dx%d", r.Batch, f.height, f.width)
		}
	}
	for key, p := range map[string]*recipe.Phase{"float": &r.Float, "qat": &r.QAT.Phase} {
		if !c.given(key+".lr", key+".optimizer", "batch") {
			p.LR *= float64(r.Batch) / float64(usual)
		}
	}
	steps := (f.images + r.Batch - 1) / r.Batch
	float, quantized := c.given("float.epochs") || !trainsFloat(r), c.given("qat.epochs", "qat.stages")
	if !float {
		r.Float.Epochs = epochsFor(steps)
	}
	if !quantized {
		r.QAT.Epochs = max(leastQuantized, (epochsFor(steps)+2)/4)
	}
	const why = "of %s in batches of %d: the fewer images, the more epochs and the smaller the batches"
	switch {
	case !float && !quantized:
		say("%s in float and %d quantized, "+why, plural.Of(r.Float.Epochs, "epoch"), r.QAT.Epochs, plural.Of(steps, "step"), r.Batch)
	case !float:
		say("%s in float, "+why, plural.Of(r.Float.Epochs, "epoch"), plural.Of(steps, "step"), r.Batch)
	case !quantized:
		say("%s quantized, "+why, plural.Of(r.QAT.Epochs, "epoch"), plural.Of(steps, "step"), r.Batch)
	}
}

// The bounds of choices.
const (
	floatSteps     = 3400 // of the float phase, those of the quick start
	leastFloat     = 12   // epochs of the float phase, of large sets
	mostFloat      = 60   // of small ones
	leastQuantized = 4
	smallSide      = 40 // longest side of images for a LeNet, whose first linear layer grows with them
	leastSide      = 4  // of images with two dimensions to speak of

	largestBatch = 64      // images
	leastBatch   = 8       // images from which batch normalization takes its statistics
	mostPixels   = 1 << 20 // of a batch, 64 pictures of 128x128
)

// Names of networks that are made for a set, as lists of layers.
const (
	nameNormedLeNet = "lenet-norm"
	namePooled      = "pooled"
)

var madeForSets = []string{nameNormedLeNet, namePooled}

// networkFor returns the network for images and signals nobody chose one for, and why.
func networkFor(f facts) (m recipe.Model, why string) {
	long, short := max(f.height, f.width), min(f.height, f.width)
	switch {
	case long < leastSide && !f.signals:
		return recipe.Model{Name: "mlp", Width: 0.5}, fmt.Sprintf("pictures of %dx%d are too small for convolutions", f.height, f.width)
	case long < leastSide:
		return recipe.Model{Name: "mlp", Width: 0.5}, "rows of a table have no neighbours to look at"
	case short < leastSide:
		return pooled(32, f), fmt.Sprintf("it looks along the %d values and ends in global pooling", long)
	case long > smallSide:
		return pooled(32, f), fmt.Sprintf("it ends in global pooling, so that it does not grow with pictures of %dx%d", f.height, f.width)
	}
	return normedLeNet(16 * f.colours()), fmt.Sprintf("pictures of %dx%d need no more", f.height, f.width)
}

// colours is by how much pictures with colour need more channels.
func (f facts) colours() int {
	if f.channels > 1 {
		return 2
	}
	return 1
}

// normedLeNet is LeNet-5 with batch normalization, which few images need more than the
// layers that they could learn.
func normedLeNet(channels int) recipe.Model {
	conv := func(times int) recipe.Layer {
		return recipe.Layer{Kind: "conv", Channels: times * channels, Kernel: recipe.Pair{5, 5}, Pad: recipe.AllSides(2), Norm: true, Activation: "relu"}
	}
	pool := recipe.Layer{Kind: "maxpool", Size: recipe.Pair{2, 2}}
	return recipe.Model{Name: nameNormedLeNet, Width: 1, Layers: []recipe.Layer{
		conv(1), pool, conv(2), pool, {Kind: "flatten"}, {Kind: "linear", Channels: 128, Norm: true, Activation: "relu"}, {Kind: "linear"},
	}}
}

// pooled is four convolutions, three of which halve the picture, before global pooling.
// Those of signals look along the longer side.
func pooled(channels int, f facts) recipe.Model {
	conv := func(times, stride int) recipe.Layer {
		l := recipe.Layer{Kind: "conv", Channels: times * channels, Norm: true, Activation: "relu"}
		switch {
		case f.height < leastSide:
			l.Kernel, l.Stride, l.Pad = recipe.Pair{1, 5}, recipe.Pair{1, stride}, recipe.Pad{Sides: [4]int{0, 2, 0, 2}}
		case f.width < leastSide:
			l.Kernel, l.Stride, l.Pad = recipe.Pair{5, 1}, recipe.Pair{stride, 1}, recipe.Pad{Sides: [4]int{2, 0, 2, 0}}
		default:
			l.Kernel, l.Stride, l.Pad = recipe.Pair{3, 3}, recipe.Pair{stride, stride}, recipe.AllSides(1)
		}
		return l
	}
	return recipe.Model{Name: namePooled, Width: 1, Layers: []recipe.Layer{
		conv(1, 2), conv(2, 2), conv(2, 1), conv(4, 2), {Kind: "globalavgpool"}, {Kind: "linear"},
	}}
}

// describeModel names a model with its width, or says where its layers are.
func describeModel(m recipe.Model) string {
	switch {
	case len(m.Layers) > 0:
		return m.Name + " (its layers are in config.yaml)"
	case m.Width != 1:
		return fmt.Sprintf("%s of width %v", m.Name, m.Width)
	}
	return m.Name
}

// largest returns how many images a step takes at most: of pictures larger than 128x128
// fewer, so that their pixels are no more.
func (f facts) largest() int {
	return min(largestBatch, max(leastBatch, mostPixels/max(1, f.height*f.width)))
}

// batchFor returns how many images a step takes: fewer of small sets, so that their
// epochs have steps enough. None is left over for a batch of its own.
func batchFor(f facts) int {
	batch := largestBatch
	switch {
	case f.images < 1000:
		batch = 16
	case f.images < fewForBits:
		batch = 32
	}
	batch = min(batch, f.largest())
	for batch < f.images && f.images%batch == 1 {
		batch++
	}
	return batch
}

// epochsFor returns the epochs of the float phase with so many steps each.
func epochsFor(steps int) int {
	return min(max(int(math.Round(floatSteps/float64(max(1, steps)))), leastFloat), mostFloat)
}
