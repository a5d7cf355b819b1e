// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

func TestPolicyAt(t *testing.T) {
	p := qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: 3, Stages: []qat.Stage{
		{Match: "conv*", WeightBits: 8, ActivationBits: qat.FloatBits}, {WeightBits: 4},
	}}
	for _, c := range []struct {
		stage                      int
		name                       string
		last                       bool
		weightBits, activationBits int
	}{
		{0, "conv2", false, 8, 32}, {1, "conv2", false, 4, 3}, {2, "conv2", false, 2, 3}, {9, "conv2", false, 2, 3},
		{0, "fc1", false, 32, 32}, {1, "fc1", false, 4, 3}, {2, "fc1", false, 2, 3},
		{1, "conv2", true, 8, 8}, // never fewer than the final bits
	} {
		l, err := p.Layer(c.name, qat.Position{Last: c.last})
		if err != nil {
			t.Fatal(err)
		}
		if l, err = p.At(c.stage, c.name, l); err != nil || l.WeightBits != c.weightBits || l.ActivationBits != c.activationBits {
			t.Errorf("%s in stage %d: %d and %d bits, %v, want %d and %d", c.name, c.stage, l.WeightBits, l.ActivationBits, err, c.weightBits, c.activationBits)
		}
	}
	for _, s := range []qat.Stage{{Match: "["}, {WeightBits: 9}, {ActivationBits: 12}} {
		p.Stages[0] = s
		l, _ := p.Layer("conv2", qat.Position{})
		if _, err := p.At(0, "conv2", l); err == nil {
			t.Errorf("stage %+v: no error", s)
		}
	}
}

func TestScheduleStages(t *testing.T) {
	s := qat.Schedule{Stages: []int{2, 3}}
	for epoch, want := range []struct {
		stage          int
		first, settled bool
	}{{0, true, false}, {0, false, false}, {1, true, false}, {2, true, true}, {2, false, true}} {
		stage, first := s.Stage(epoch)
		if stage != want.stage || first != want.first || s.Settled(epoch) != want.settled {
			t.Errorf("epoch %d: stage %d, first %v, settled %v, want %+v", epoch, stage, first, s.Settled(epoch), want)
		}
	}
}

// TestPhasedWeights go from floating point to 4 to 2 bits, with a width that is
// there twice.
func TestPhasedWeights(t *testing.T) {
	g := graph.New(1, graph.NewPool(1))
	var made []int
	q := qat.NewPhasedWeights([]int{qat.FloatBits, 4, 4, 2}, func(bits int, last bool) qat.Weights {
		if made = append(made, bits); last != (bits == 2) {
			t.Errorf("%d bits: last %v", bits, last)
		}
		name := map[bool]string{true: "w", false: "w.wide"}[last]
		return method(t, "lsq").Weights(g, name, qat.Options{Bits: bits, PerTensor: true}, []int{1, 50})
	})
	if !slices.Equal(made, []int{4, 2}) || q.Bits() != 2 || len(q.Params()) != 2 {
		t.Fatalf("widths %v, %d bits, %d parameters", made, q.Bits(), len(q.Params()))
	}
	wide, narrow := q.Params()[0], q.Params()[1]
	w, dy := normal(50, 1, 1), normal(50, 1, 2)
	y, dw := make([]float32, 50), make([]float32, 50)
	levels := func() int {
		q.Forward(y, w)
		values := slices.Clone(y)
		slices.Sort(values)
		return len(slices.Compact(values))
	}
	grads := func() (float32, float32) {
		grad := [][]float32{{9}, {9}}
		q.Backward(dw, w, dy, grad)
		return grad[0][0], grad[1][0]
	}
	stage := q.(qat.Phased)

	stage.SetStage(0)
	q.Start(w)
	a, b := grads()
	if levels() != 50 || a != 0 || b != 0 || !slices.Equal(dw, dy) || len(stage.Idle()) != 2 {
		t.Errorf("floating point: %d levels, gradients %v and %v", levels(), a, b)
	}
	stage.SetStage(1)
	q.Start(w)
	a, b = grads()
	if n := levels(); n < 5 || n > 15 || a == 0 || b != 0 || !slices.Equal(stage.Idle(), []*graph.Param{narrow}) {
		t.Errorf("4 bits: %d levels, gradients %v and %v", n, a, b)
	}
	wide.Value[0] = 0.123
	stage.SetStage(2)
	if q.Start(w); wide.Value[0] != 0.123 {
		t.Errorf("the step of a stage like the one before started again: %v", wide.Value[0])
	}
	stage.SetStage(3)
	q.Start(w)
	a, b = grads()
	if n := levels(); n != 3 || a != 0 || b == 0 || narrow.Value[0] == 1 {
		t.Errorf("2 bits: %d levels, gradients %v and %v, step %v", n, a, b, narrow.Value[0])
	}
}

func TestPhasedActivation(t *testing.T) {
	g := graph.New(1, graph.NewPool(1))
	q := qat.NewPhasedActivation([]int{qat.FloatBits, 8, 2}, func(bits int, last bool) qat.Activation {
		return method(t, "pact").Activation(g, map[bool]string{true: "x", false: "x.wide"}[last], qat.Options{Bits: bits})
	})
	wide, narrow := q.Params()[0], q.Params()[1]
	stage, run := q.(qat.Phased), &graph.Run{Pass: graph.Pass{Calibrate: true}}
	x := []float32{0, 0.3, 1, 2, 9}
	y, dx := make([]float32, 5), make([]float32, 5)
	for k, want := range []struct{ wide, narrow bool }{{}, {true, false}, {false, true}} {
		wide.Value[0], narrow.Value[0] = 5, 5
		stage.SetStage(k)
		q.Observe(run, statsOf(x))
		if (wide.Value[0] != 5) != want.wide || (narrow.Value[0] != 5) != want.narrow {
			t.Errorf("stage %d: a calibration gave the clips %v and %v", k, wide.Value[0], narrow.Value[0])
		}
		wide.Value[0], narrow.Value[0] = 2.55, 3
		q.Begin(run)
		q.Forward(y, x)
		grad := []float64{0, 0}
		q.Backward(dx, x, []float32{1, 1, 1, 1, 1}, grad)
		if (grad[0] != 0) != want.wide || (grad[1] != 0) != want.narrow {
			t.Errorf("stage %d: gradients %v", k, grad)
		}
		if want := [][]float32{{0, 0.3, 1, 2, 9}, {0, 0.3, 1, 2, 2.55}, {0, 0, 1, 2, 3}}[k]; !closeTo(y, want) {
			t.Errorf("stage %d: %v, want %v", k, y, want)
		}
	}
	if q.Bits() != 2 || q.Quantization().Hi != 3 {
		t.Errorf("finally %d bits, codes up to %d", q.Bits(), q.Quantization().Hi)
	}
}

func closeTo(x, y []float32) bool {
	for i := range x {
		if d := x[i] - y[i]; d > 0.006 || d < -0.006 {
			return false
		}
	}
	return true
}
