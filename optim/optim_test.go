// SPDX-License-Identifier: Apache-2.0

package optim_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/optim"
)

// golden is what testdata/golden.py wrote.
type golden struct {
	Initial    map[string][]float32
	Optimizers map[string][]struct {
		Norm   *float64
		Weight []float64
		Scale  []float64 `json:"norm_scale"`
	}
	Schedules map[string][]float64
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// parameters returns the two parameters of the golden runs.
func (g golden) parameters() []*graph.Param {
	return []*graph.Param{
		{Name: "weight", Group: graph.Weights, Value: slices.Clone(g.Initial["weight"])},
		{Name: "norm_scale", Group: graph.Norms, Value: slices.Clone(g.Initial["norm_scale"])},
	}
}

// differentiate writes the gradients of sum(c*w²/2 + sin(w)/4), c = 1/2, 1, 3/2, ...
func differentiate(params []*graph.Param) {
	for _, p := range params {
		if p.Grad == nil {
			p.Grad = make([]float32, len(p.Value))
		}
		for i, w := range p.Value {
			p.Grad[i] = float32(float64(i+1)/2*float64(w) + math.Cos(float64(w))/4)
		}
	}
}

// near allows the rounding of ten float32 steps: a few parts in a million.
func near(got, want float64) bool {
	return math.Abs(got-want) <= 4e-6*max(1, math.Abs(want))
}

var optimizers = map[string]struct {
	rate      float32
	optimizer func() optim.Optimizer
}{
	"sgd":                {0.125, func() optim.Optimizer { return &optim.SGD{} }},
	"sgd decay":          {0.125, func() optim.Optimizer { return &optim.SGD{Groups: decays(0.0625, 0)} }},
	"sgd momentum":       {0.03125, func() optim.Optimizer { return &optim.SGD{Momentum: 0.9} }},
	"sgd momentum decay": {0.03125, func() optim.Optimizer { return &optim.SGD{Momentum: 0.9, Groups: decays(0.0625, 0.125)} }},
	"sgd nesterov":       {0.03125, func() optim.Optimizer { return &optim.SGD{Momentum: 0.9, Nesterov: true} }},
	"sgd nesterov decay": {0.03125, func() optim.Optimizer { return &optim.SGD{Momentum: 0.9, Nesterov: true, Groups: decays(0.0625, 0)} }},
	"sgd nesterov decay clip": {0.03125, func() optim.Optimizer {
		return &optim.SGD{Momentum: 0.9, Nesterov: true, MaxNorm: 2, Groups: decays(0.0625, 0)}
	}},
	"adam":       {0.125, func() optim.Optimizer { return &optim.Adam{} }},
	"adam decay": {0.125, func() optim.Optimizer { return &optim.Adam{Groups: decays(0.25, 0.0625)} }},
	"adam betas": {0.125, func() optim.Optimizer {
		return &optim.Adam{Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3, Groups: decays(0, 0.0625)}
	}},
	"adamw":       {0.125, func() optim.Optimizer { return &optim.AdamW{} }},
	"adamw decay": {0.125, func() optim.Optimizer { return &optim.AdamW{Groups: decays(0.25, 0.0625)} }},
	"adamw betas": {0.125, func() optim.Optimizer {
		return &optim.AdamW{Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3, Groups: decays(0.25, 0)}
	}},
}

func decays(weights, norms float64) optim.Groups {
	return optim.Groups{graph.Weights: {Decay: weights}, graph.Norms: {Decay: norms}}
}

func TestTenStepsAgreeWithPyTorch(t *testing.T) {
	g := readGolden(t)
	if len(g.Optimizers) != len(optimizers) {
		t.Errorf("%d golden runs, %d tested", len(g.Optimizers), len(optimizers))
	}
	for name, test := range optimizers {
		t.Run(name, func(t *testing.T) {
			optimizer, params := test.optimizer(), g.parameters()
			for step, want := range g.Optimizers[name] {
				differentiate(params)
				if got := optim.Norm(params); want.Norm != nil && !near(got, *want.Norm) {
					t.Errorf("step %d: norm %v, want %v", step, got, *want.Norm)
				}
				optimizer.Step(params, test.rate)
				for i, w := range want.Weight {
					if got := float64(params[0].Value[i]); !near(got, w) {
						t.Errorf("step %d: weight[%d] = %v, want %v", step, i, got, w)
					}
				}
				for i, w := range want.Scale {
					if got := float64(params[1].Value[i]); !near(got, w) {
						t.Errorf("step %d: norm_scale[%d] = %v, want %v", step, i, got, w)
					}
				}
			}
		})
	}
}

// A run that stops, stores its state and goes on in a new optimizer has the
// bits of one that did not stop.
func TestStateContinuesToTheSameBits(t *testing.T) {
	g := readGolden(t)
	for name, test := range optimizers {
		t.Run(name, func(t *testing.T) {
			straight, whole := test.optimizer(), g.parameters()
			first, second, parts := test.optimizer(), test.optimizer(), g.parameters()
			for step := range 10 {
				differentiate(whole)
				straight.Step(whole, test.rate)
				differentiate(parts)
				if step < 4 {
					first.Step(parts, test.rate)
					continue
				}
				if step == 4 {
					if err := second.Load(parts, first.State()); err != nil {
						t.Fatal(err)
					}
					first.Step(g.parametersWithGradient(), test.rate) // must not reach the copy
				}
				second.Step(parts, test.rate)
			}
			for i := range whole {
				if !slices.Equal(whole[i].Value, parts[i].Value) {
					t.Errorf("%s: %v, want %v", whole[i].Name, parts[i].Value, whole[i].Value)
				}
			}
		})
	}
}

func (g golden) parametersWithGradient() []*graph.Param {
	params := g.parameters()
	differentiate(params)
	return params
}

func TestLoadRefusesForeignState(t *testing.T) {
	params := []*graph.Param{{Name: "fc.weight", Value: make([]float32, 2)}}
	tests := []struct {
		name      string
		optimizer optim.Optimizer
		state     []optim.Tensor
		want      string
	}{
		{"other parameter", &optim.SGD{}, []optim.Tensor{{Name: "momentum/conv1.weight", Data: make([]float32, 2)}},
			`optim: state "momentum/conv1.weight" belongs to no parameter of this model and optimizer`},
		{"other optimizer", &optim.Adam{}, []optim.Tensor{{Name: "momentum/fc.weight", Data: make([]float32, 2)}},
			`optim: state "momentum/fc.weight" belongs to no parameter of this model and optimizer`},
		{"other size", &optim.SGD{}, []optim.Tensor{{Name: "momentum/fc.weight", Data: make([]float32, 3)}},
			`optim: state "momentum/fc.weight" has 3 values, want 2`},
		{"twice", &optim.SGD{}, slices.Repeat([]optim.Tensor{{Name: "momentum/fc.weight", Data: make([]float32, 2)}}, 2),
			`optim: state "momentum/fc.weight" appears twice`},
		{"incomplete", &optim.AdamW{}, []optim.Tensor{{Name: "mean/fc.weight", Data: make([]float32, 2)}},
			`optim: state of parameter "fc.weight" is incomplete: has only one of "mean" and "square"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.optimizer.Load(params, test.state); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if got := test.optimizer.State(); len(got) != 0 {
				t.Errorf("state %v after an error", got)
			}
		})
	}
}

func TestStateIsOrderedByName(t *testing.T) {
	adam := optim.Adam{}
	adam.Step(readGolden(t).parametersWithGradient(), 0.1)
	var names []string
	for _, s := range adam.State() {
		names = append(names, s.Name)
	}
	want := "mean/norm_scale mean/weight square/norm_scale square/weight steps/norm_scale steps/weight"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	g := readGolden(t)
	for name, test := range optimizers {
		t.Run(name, func(t *testing.T) {
			optimizer, params := test.optimizer(), g.parametersWithGradient()
			optimizer.Step(params, test.rate)
			if n := testing.AllocsPerRun(10, func() { optimizer.Step(params, test.rate) }); n != 0 {
				t.Errorf("%v allocations per step", n)
			}
		})
	}
}

func TestStepSkipsParametersWithoutGradient(t *testing.T) {
	for name, test := range optimizers {
		optimizer, p := test.optimizer(), &graph.Param{Name: "w", Value: []float32{1}}
		optimizer.Step([]*graph.Param{p}, 1)
		if p.Value[0] != 1 || len(optimizer.State()) != 0 {
			t.Errorf("%s: value %v, state %v", name, p.Value, optimizer.State())
		}
	}
}

func TestGroupRate(t *testing.T) {
	params := []*graph.Param{
		{Name: "w", Group: graph.Weights, Value: []float32{1}, Grad: []float32{1}},
		{Name: "c", Group: graph.Clips, Value: []float32{1}, Grad: []float32{1}},
	}
	sgd := optim.SGD{Groups: optim.Groups{graph.Clips: {Rate: 0.5}}}
	sgd.Step(params, 0.5)
	if params[0].Value[0] != 0.5 || params[1].Value[0] != 0.75 {
		t.Errorf("got %v and %v, want 0.5 and 0.75", params[0].Value[0], params[1].Value[0])
	}
}

func TestStepLeavesGradientsAlone(t *testing.T) {
	g := readGolden(t)
	for name, test := range optimizers {
		params := g.parametersWithGradient()
		want := slices.Clone(params[0].Grad)
		test.optimizer().Step(params, test.rate)
		if !slices.Equal(params[0].Grad, want) {
			t.Errorf("%s: gradients changed", name)
		}
	}
}

func TestSchedulesAgreeWithPyTorch(t *testing.T) {
	const rate = 0.125
	schedules := map[string]optim.Schedule{
		"constant":        optim.Constant{Rate: rate},
		"step":            optim.StepDecay{Rate: rate, Milestones: []float64{0.5, 0.8}},
		"step factor":     optim.StepDecay{Rate: rate, Factor: 0.5, Milestones: []float64{0.3, 0.6, 0.9}},
		"cosine":          optim.Cosine{Rate: rate},
		"cosine floor":    optim.Cosine{Rate: rate, Floor: 0.03125},
		"warmup constant": optim.Warmup{Steps: 4, Next: optim.Constant{Rate: rate}},
		"warmup cosine":   optim.Warmup{Steps: 3, Next: optim.Cosine{Rate: rate}},
	}
	g := readGolden(t)
	if len(g.Schedules) != len(schedules) {
		t.Errorf("%d golden schedules, %d tested", len(g.Schedules), len(schedules))
	}
	for name, schedule := range schedules {
		for step, want := range g.Schedules[name] {
			if got := float64(schedule.At(step, 10)); math.Abs(got-want) > 1e-7*rate {
				t.Errorf("%s: step %d has rate %v, want %v", name, step, got, want)
			}
		}
	}
}

func TestScheduleEdges(t *testing.T) {
	tests := []struct {
		name        string
		schedule    optim.Schedule
		step, total int
		want        float32
	}{
		{"default milestones, before", optim.StepDecay{Rate: 1}, 49, 100, 1},
		{"default milestones, first", optim.StepDecay{Rate: 1}, 50, 100, 0.1},
		{"default milestones, second", optim.StepDecay{Rate: 1}, 75, 100, 0.01},
		{"no warm-up", optim.Warmup{Next: optim.Cosine{Rate: 1}}, 0, 10, 1},
		{"warm-up longer than the training", optim.Warmup{Steps: 9, Next: optim.Cosine{Rate: 1}}, 4, 5, 0.5},
		{"one step", optim.Cosine{Rate: 1}, 0, 1, 1},
	}
	for _, test := range tests {
		if got := test.schedule.At(test.step, test.total); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
