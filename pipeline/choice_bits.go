// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/recipe"
)

// fewForBits are images to train with: fewer begin with 8 bits.
const fewForBits = 5000

// chooseBits sets the method and the bits.
func (c *Choice) chooseBits(r *recipe.Recipe, f facts, say func(string, ...any)) {
	if c.given("qat.method", "qat.weights", "qat.weight_bits", "qat.activation_bits", "qat.layers", "qat.stages") || r.QAT.Epochs == 0 {
		return
	}
	if f.images < fewForBits {
		r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits = "int", 8, 8
		say("8 bits by the method int: %s to train with are few to learn fewer bits from; the method pact tries 4", plural.Of(f.images, "image"))
		return
	}
	r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits = "pact", 4, 4
	say("4 bits by the method pact: %s to train with are enough to learn them", plural.Of(f.images, "image"))
}

// The settings of few bits.
const (
	fewBits       = 2    // at most, of weights or activations
	fewRate       = 0.01 // highest learning rate, of steps of 64 images
	fewReestimate = 1000 // images at most that the statistics of batch normalization are computed over
)

// chooseFewBits sets how few bits are learned: rounding to them changes what a network
// computes so much that it has to learn again, by a larger learning rate than that of more
// bits and for as long as float; the statistics of batch normalization, which change until
// the end, are computed anew; and what residual blocks add up keeps 8 bits.
func (c *Choice) chooseFewBits(r *recipe.Recipe, f facts, say func(string, ...any)) {
	few := func(bits int) bool { return bits > 0 && bits <= fewBits }
	q := &r.QAT
	if q.Epochs == 0 || !few(q.WeightBits) && !few(q.ActivationBits) || c.given("qat.stages") {
		return
	}
	if !c.given("qat.epochs") && q.Epochs < r.Float.Epochs {
		q.Epochs = r.Float.Epochs
		say("%s quantized: few bits take as many as float", plural.Of(q.Epochs, "epoch"))
	}
	c.chooseSteps(q, say)
	if !c.given("qat.lr", "qat.optimizer") {
		q.LR = fewRate * float64(r.Batch) / 64
		say("learning rate %.3g of the quantized phase: few bits have to be learned again", q.LR)
	}
	if !c.given("qat.batchnorm_freeze", "qat.batchnorm_reestimate") {
		q.BatchNormFreeze, q.BatchNormReestimate = 0, min(fewReestimate, f.images)
		say("statistics of batch normalization over %d images (qat.batchnorm_reestimate): by few bits they change until the end", q.BatchNormReestimate)
	}
	if !c.given("qat.residuals") {
		q.Residuals = string(qat.Wide)
		say("sums and averages of 8 bits (qat.residuals: wide): few bits are enough to multiply, not to add up")
	}
}

// chooseSteps sets how learned steps begin: where the error is least, from where no decay
// takes them away.
func (c *Choice) chooseSteps(q *recipe.QAT, say func(string, ...any)) {
	if q.Method != "lsq" {
		return
	}
	if !c.given("qat.start") {
		q.LSQ.Start = settings.StartMSE
		say("learned steps begin where the error is least (qat.start: mse): a few epochs do not take them there")
	}
	if !c.given("qat.clip_decay") {
		q.ClipDecay = 0
		say("no decay of learned steps (qat.clip_decay: 0): it makes them smaller than the loss wants them")
	}
}
