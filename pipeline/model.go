// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/memory"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
)

// Build builds the recipe's network, untrained, for images and classes as given. It is an error if the recipe names a network
// or a method that there is not, if layers do not fit the images or each other, or if the method cannot quantize them.
func Build(r *recipe.Recipe, in layers.Input, classes []string, pool *graph.Pool) (*layers.Network, error) {
	return build(r, in, classes, pool, layers.Config{Batch: r.Batch})
}

// build is Build for batches, parts of steps and sizes of weights as c has them.
func build(r *recipe.Recipe, in layers.Input, classes []string, pool *graph.Pool, c layers.Config) (*layers.Network, error) {
	m, err := module(r, len(classes))
	if err != nil {
		return nil, err
	}
	q := r.QAT
	if err := resolve(&q); err != nil {
		return nil, err
	}
	p, err := policy(&q)
	if err != nil {
		return nil, err
	}
	c.Name, c.Input, c.Classes, c.Pool = r.Model.Name, in, classes, pool
	c.Policy, c.Seed, c.Loss, c.Memory = p, uint64(r.Seed), losses[r.Loss], memory.Free()
	return layers.Build(m, c)
}

// losses are those of recipes.
var losses = map[string]graph.Loss{"cross_entropy": graph.CrossEntropy, "squared_hinge": graph.SquaredHinge}

// module returns the recipe's network as modules.
func module(r *recipe.Recipe, classes int) (layers.Module, error) {
	if len(r.Model.Layers) == 0 {
		return layers.Named(r.Model.Name, r.Model.Width, classes)
	}
	return chain(r.Model.Layers, classes)
}

// resolve puts the methods' own bits where the recipe leaves them to them.
func resolve(q *recipe.QAT) error {
	method, err := qat.New(q.Method, q.All)
	if err != nil {
		return err
	}
	weights, err := qat.New(cmp.Or(q.Weights, q.Method), q.All)
	if err != nil {
		return err
	}
	q.WeightBits = cmp.Or(q.WeightBits, weights.Info().Usual.WeightBits)
	q.ActivationBits = cmp.Or(q.ActivationBits, method.Info().Usual.ActivationBits)
	return nil
}

// policy returns the policy of a recipe, whose bits are resolved.
func policy(q *recipe.QAT) (qat.Policy, error) {
	var unknown error
	methods := []string{"int"} // of the first and the last layer, and of what nobody asks for
	method := func(name string) qat.Method {
		if name == "" {
			return nil
		}
		methods = append(methods, name)
		m, err := qat.New(name, q.All)
		unknown = cmp.Or(unknown, err)
		return m
	}
	p := qat.Policy{
		Method: method(q.Method), Weights: method(q.Weights), WeightBits: q.WeightBits, ActivationBits: q.ActivationBits,
		FirstLast: qat.FirstLast(q.FirstLast), PerTensor: q.Granularity == "per_tensor", MinMax: q.Observer == "minmax",
		PowerOfTwo: q.Scales == "pow2", EWGS: q.EWGS, Dampen: q.Dampen, FreezeOscillating: q.FreezeOscillating,
		GradientBits: q.GradientBits, InputScaling: q.InputScaling, Residuals: qat.Residuals(q.Residuals),
		WholeBiases: q.Bias == "accumulator", Online: q.Ranges == "online",
	}
	for _, r := range q.Layers {
		rule := qat.Rule{
			Match: r.Match, Method: method(r.Method), Weights: method(r.Weights), WeightBits: r.WeightBits, ActivationBits: r.ActivationBits,
		}
		if r.Ranges != "" {
			online := r.Ranges == "online"
			rule.Online = &online
		}
		p.Rules = append(p.Rules, rule)
	}
	for _, s := range q.Stages {
		p.Stages = append(p.Stages, qat.Stage{Match: s.Match, WeightBits: s.WeightBits, ActivationBits: s.ActivationBits})
	}
	if keys, readers := q.All.Unread(methods); len(keys) > 0 && unknown == nil {
		unknown = fmt.Errorf("pipeline: qat.%s is a setting of the method %s, which no layer has; leave it out, or choose %s", keys[0], readers[0], readers[0])
	}
	return p, unknown
}

// quantizedSchedule returns when what changes in the quantized phase of a network
// whose weights are quantized in so many steps.
func quantizedSchedule(q *recipe.QAT, steps int) qat.Schedule {
	s := qat.Schedule{FreezeNorm: qat.Never}
	start := 0 // of the epochs after all stages
	for _, stage := range q.Stages {
		start += stage.Epochs
		s.Stages = append(s.Stages, start)
	}
	s.FreezeObserver = start + max(1, int(q.ObserverFreeze*float64(q.Epochs-start)+0.5))
	s.FreezeObserver = min(s.FreezeObserver, max(0, q.Epochs-1))
	if n := frozenEpochs(q); n > 0 {
		s.FreezeNorm = q.Epochs - n
	}
	s.Steps = qat.StepEpochs(steps, min(q.Epochs, s.FreezeNorm)-start)
	for i := range s.Steps {
		s.Steps[i] += start
	}
	return s
}

// frozenEpochs returns for how many last epochs the statistics of batch normalization
// stay fixed: as many as the recipe says, but at most a third of the epochs that come
// after all stages, so that the statistics have seen the network that they are of.
func frozenEpochs(q *recipe.QAT) int {
	rest := q.Epochs
	for _, s := range q.Stages {
		rest -= s.Epochs
	}
	return min(q.BatchNormFreeze, max(0, rest)/3)
}
