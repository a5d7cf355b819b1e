// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// quantizeFlags say how a float checkpoint is quantized without training, and with
// which images.
type quantizeFlags struct {
	data                       dataFlags
	threads, images            int
	calibrator, granularity    string
	weightBits, activationBits int
	firstLast                  string
	numbers                    calibrate.Options
	exceptions                 []string
}

func (f *quantizeFlags) add(c *cobra.Command) {
	addDataFlags(c, &f.data, "; default: that of the checkpoint's training")
	addThreads(c, &f.threads)
	c.Flags().StringVar(&f.calibrator, "calibrator", calibrate.Default, "rule for the ranges")
	c.Flags().StringSliceVar(&f.exceptions, "layer", nil, "rule for the layers of a `pattern=calibrator`, as in fc*=kl; may be repeated")
	c.Flags().Float64Var(&f.numbers.Percentile, "percentile", 99.99, "percent of the values that percentile does not clip")
	c.Flags().Float64Var(&f.numbers.Deviations, "deviations", 3, "standard deviations of stddev")
	c.Flags().IntVar(&f.images, "images", 1024, "training images to calibrate with, 0 for all")
	c.Flags().IntVar(&f.weightBits, "weight-bits", 8, "bits of weights, 2 to 8")
	c.Flags().IntVar(&f.activationBits, "activation-bits", 8, "bits of activations, 2 to 8")
	c.Flags().StringVar(&f.firstLast, "first-last", "8", "first and last layer: 8 (bits) or same (as the others)")
	c.Flags().StringVar(&f.granularity, "granularity", "per_channel", "scales of weights: per_channel or per_tensor")
}

// plan returns the ranges' part of the flags.
func (f *quantizeFlags) plan(c *cobra.Command) (ptq.Plan, error) {
	var p ptq.Plan
	if n := f.numbers; !(n.Percentile > 0 && n.Percentile <= 100) || !(n.Deviations > 0) || math.IsInf(n.Deviations, 0) || f.images < 0 {
		return p, usagef(c, "--percentile %v --deviations %v --images %d: want a percentile above 0 and up to 100, deviations above 0 and no fewer than 0 images", n.Percentile, n.Deviations, f.images)
	}
	p.Rule, p.Numbers = f.calibrator, f.numbers
	for _, e := range f.exceptions {
		match, rule, ok := strings.Cut(e, "=")
		if !ok {
			return p, usagef(c, "--layer %s: want pattern=calibrator, as in fc*=kl", e)
		}
		p.Exceptions = append(p.Exceptions, ptq.Exception{Match: match, Rule: rule})
	}
	for _, name := range append([]string{f.calibrator}, rulesOf(p.Exceptions)...) {
		if _, err := calibrate.Lookup(name); err != nil {
			return p, usagef(c, "%w", err)
		}
	}
	return p, nil
}

func rulesOf(list []ptq.Exception) (rules []string) {
	for _, e := range list {
		rules = append(rules, e.Rule)
	}
	return rules
}

// recipe returns the quantization of a network: method int, with the ranges that are
// found.
func (f *quantizeFlags) recipe() recipe.QAT {
	q := recipe.Default().QAT
	q.Method, q.Weights, q.WeightBits, q.ActivationBits = "int", "", f.weightBits, f.activationBits
	q.FirstLast, q.Granularity, q.All.Int = f.firstLast, f.granularity, settings.Int{FixedRanges: true}
	return q
}

// quantized is a float network ready to be quantized, with its images.
type quantized struct {
	pool     *graph.Pool
	restored *pipeline.Restored
	images   *pipeline.Images
	plan     ptq.Plan
}

// open opens a checkpoint and its images.
func (f *quantizeFlags) open(c *cobra.Command, path string) (*quantized, error) {
	plan, err := f.plan(c)
	if err != nil {
		return nil, err
	}
	q := &quantized{pool: graph.NewPool(threadsOf(f.threads)), plan: plan}
	if q.restored, err = pipeline.OpenFloat(path, f.recipe(), evaluationBatch, q.pool); err != nil {
		q.close()
		return nil, err
	}
	seed := q.restored.Recipe.Seed
	if c.Flags().Changed("seed") {
		seed = f.data.seed
	}
	reading, shown := f.data.reading(c)
	q.images, err = q.restored.Images(c.Context(), recipe.Data{Name: f.data.name, Dir: f.data.dir}, seed, f.images, reading)
	shown()
	if err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func (q *quantized) close() { q.pool.Close() }

// quantize calibrates and repairs the network.
func (q *quantized) quantize(c *cobra.Command, repair []string) ([]ptq.Step, []calibrated, error) {
	b := &bars{c: c}
	q.plan.Repair, q.plan.On = repair, b.tell
	o, err := ptq.Quantize(c.Context(), q.restored.Network, q.images.Calibration, q.plan)
	b.clear()
	if err != nil {
		return nil, nil, err
	}
	var tensors []calibrated
	for _, t := range o.Tensors {
		tensors = append(tensors, calibrated{t.Name, t.Rule, t.Bits, t.Lo, t.Hi, t.Warning})
	}
	return o.Steps, tensors, nil
}

// accuracy evaluates the test images.
func (q *quantized) accuracy(c *cobra.Command, p graph.Pass) (*float64, error) {
	what := "float"
	if p.Quantize {
		what = "fake-quantized"
	}
	bar := newBar(c, what, int64(q.images.Test.Len()))
	r, err := train.Evaluate(c.Context(), q.restored.Network, p, q.images.Test, func(done int) { _ = bar.Set(done) })
	_ = bar.Clear()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &r.Accuracy, nil
}
