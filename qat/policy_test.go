// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

func TestPolicy(t *testing.T) {
	type want struct {
		method, weights string
		bits, inputBits int
		float           bool
	}
	base := qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 3}
	with := func(change func(*qat.Policy)) qat.Policy {
		p := base
		change(&p)
		return p
	}
	for _, c := range []struct {
		name        string
		policy      qat.Policy
		layer       string
		first, last bool
		want        want
	}{
		{"inner", base, "conv2", false, false, want{"pact", "pact", 4, 3, false}},
		{"first by default", base, "conv1", true, false, want{"int", "int", 8, 8, false}},
		{"last by default", base, "fc1", false, true, want{"int", "int", 8, 8, false}},
		{"only layer", base, "fc1", true, true, want{"int", "int", 8, 8, false}},
		{"first 8", with(func(p *qat.Policy) { p.FirstLast = qat.FirstLast8 }), "conv1", true, false, want{"int", "int", 8, 8, false}},
		{"last same", with(func(p *qat.Policy) { p.FirstLast = qat.FirstLastSame }), "fc1", false, true, want{"pact", "pact", 4, 3, false}},
		{"last float", with(func(p *qat.Policy) { p.FirstLast = qat.FirstLastFloat }), "fc1", false, true, want{"pact", "pact", 4, 3, true}},
		{"inner of float", with(func(p *qat.Policy) { p.FirstLast = qat.FirstLastFloat }), "conv2", false, false, want{"pact", "pact", 4, 3, false}},
		{"other weights", with(func(p *qat.Policy) { p.Weights = qat.LSQ{} }), "conv2", false, false, want{"pact", "lsq", 4, 3, false}},
		{"other weights, first", with(func(p *qat.Policy) { p.Weights = qat.LSQ{} }), "conv1", true, false, want{"int", "int", 8, 8, false}},
		{"floating-point weights", with(func(p *qat.Policy) { p.WeightBits = qat.FloatBits }), "conv1", true, false, want{"int", "int", 32, 8, false}},
		{"rule", with(func(p *qat.Policy) {
			p.Rules = []qat.Rule{{Match: "conv*", Method: qat.Int{}, WeightBits: 5, ActivationBits: 6}}
		}), "conv2", false, false, want{"int", "int", 5, 6, false}},
		{"rule that leaves the rest", with(func(p *qat.Policy) { p.Rules = []qat.Rule{{Match: "conv2", WeightBits: 2}} }), "conv2", false, false, want{"pact", "pact", 2, 3, false}},
		{"first rule counts", with(func(p *qat.Policy) {
			p.Rules = []qat.Rule{{Match: "fc*", WeightBits: 8}, {Match: "conv?", WeightBits: 5}, {Match: "conv2", WeightBits: 6, ActivationBits: 6}}
		}), "conv2", false, false, want{"pact", "pact", 5, 3, false}},
		{"rule for the first layer", with(func(p *qat.Policy) { p.Rules = []qat.Rule{{Match: "conv1", Method: qat.PACT{}, WeightBits: 4}} }), "conv1", true, false, want{"pact", "pact", 4, 8, false}},
		{"rule for a float layer", with(func(p *qat.Policy) {
			p.FirstLast, p.Rules = qat.FirstLastFloat, []qat.Rule{{Match: "conv1", WeightBits: 8}}
		}), "conv1", true, false, want{"pact", "pact", 8, 3, false}},
		{"rule within a block", with(func(p *qat.Policy) { p.Rules = []qat.Rule{{Match: "block?.conv1", WeightBits: 2}} }), "block3.conv1", false, false, want{"pact", "pact", 2, 3, false}},
		{"rule of the whole name", with(func(p *qat.Policy) { p.Rules = []qat.Rule{{Match: "conv", WeightBits: 2}} }), "conv2", false, false, want{"pact", "pact", 4, 3, false}},
		{"rule for weights", with(func(p *qat.Policy) { p.Rules = []qat.Rule{{Match: "*", Weights: qat.LSQ{}}} }), "conv2", false, false, want{"pact", "lsq", 4, 3, false}},
		{"rule for both", with(func(p *qat.Policy) {
			p.Weights, p.Rules = qat.LSQ{}, []qat.Rule{{Match: "*", Method: qat.Int{}}}
		}), "conv2", false, false, want{"int", "int", 4, 3, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := c.policy.Layer(c.layer, qat.Position{First: c.first, Last: c.last})
			if err != nil {
				t.Fatal(err)
			}
			if got := (want{l.Input.Info().Name, l.Weights.Info().Name, l.WeightBits, l.ActivationBits, l.Float}); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	p := with(func(p *qat.Policy) {
		p.FirstLast = qat.FirstLastFloat
		p.Rules = []qat.Rule{{Match: "*", ActivationBits: 7}}
	})
	if l, err := p.Tensor(); err != nil || l.Input.Info().Name != "pact" || l.ActivationBits != 3 || l.FloatInput() {
		t.Errorf("a tensor that no layer asks for: %+v, %v, want what the network has", l, err)
	}
}

func TestPolicyErrors(t *testing.T) {
	for _, c := range []struct {
		policy qat.Policy
		want   string
	}{
		{qat.Policy{WeightBits: 4, ActivationBits: 4}, "the policy has no method"},
		{qat.Policy{Method: qat.PACT{}, WeightBits: 1, ActivationBits: 4}, "method pact has no 1-bit weights, only 2, 3, 4, 5, 6, 7, 8 (layer conv2)"},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 9}, "method int has no 9-bit activations, only 2, 3, 4, 5, 6, 7, 8 (layer conv2)"},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4}, "method int has no 0-bit activations"},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, FirstLast: "16"}, `first_last is "16", want 8, same or float`},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, Rules: []qat.Rule{{Match: "conv["}}}, `the layer pattern "conv[" is malformed`},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, Rules: []qat.Rule{{Match: "conv2", WeightBits: -3}}}, "method int has no -3-bit weights"},
	} {
		_, err := c.policy.Layer("conv2", qat.Position{First: c.policy.FirstLast != ""})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "qat: ") {
			t.Errorf("%+v: error %v, want %q", c.policy, err, c.want)
		}
	}
}

func TestSchedule(t *testing.T) {
	s := qat.Schedule{Start: 1, FreezeObserver: 3, FreezeNorm: 4}
	type switches struct{ quantize, observe, freeze, settled bool }
	for epoch, want := range []switches{
		{false, false, false, false},
		{true, true, false, false},
		{true, true, false, false},
		{true, false, false, false},
		{true, false, true, true},
		{true, false, true, true},
	} {
		r := s.Pass(epoch)
		if got := (switches{r.Quantize, r.Observe, r.FreezeNorm, s.Settled(epoch)}); got != want {
			t.Errorf("epoch %d: %+v, want %+v", epoch, got, want)
		}
	}
	for _, epoch := range []int{0, 1000} {
		r := qat.Float().Pass(epoch)
		if r.Quantize || r.Observe || r.FreezeNorm || !qat.Float().Settled(epoch) {
			t.Errorf("float training, epoch %d: %+v", epoch, r)
		}
	}
	if r := (qat.Schedule{}).Pass(0); !r.Quantize || r.Observe || !r.FreezeNorm || !(qat.Schedule{}).Settled(0) {
		t.Errorf("the zero schedule: %+v", r)
	}
}

func TestWatch(t *testing.T) {
	weight := &graph.Param{Name: "weight", Value: []float32{1}, Grad: []float32{0}}
	idle := &graph.Param{Name: "idle", Group: graph.Clips, Value: []float32{2}, Grad: []float32{0}}
	busy := &graph.Param{Name: "busy", Group: graph.Clips, Value: []float32{3, 4}, Grad: []float32{0, 0}}
	params := []*graph.Param{weight, idle, busy}
	w := qat.NewWatch(params)
	if s := w.Silent(); s != nil {
		t.Errorf("without a step %v are silent", s)
	}
	w.Step()
	busy.Grad[1] = -1e-9
	w.Step()
	busy.Grad[1] = 0
	w.Step()
	if s := w.Silent(); len(s) != 1 || s[0] != "idle" {
		t.Errorf("%v are silent, want idle", s)
	}
	w.Step()
	if s := w.Silent(); len(s) != 2 {
		t.Errorf("%v are silent, want both", s)
	}
	if v := qat.Values(params); len(v) != 2 || v["idle"] != 2 || v["busy"] != 3 {
		t.Errorf("values %v", v)
	}
}
