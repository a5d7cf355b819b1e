// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/ste"
)

// severalSums are the methods whose weights are several sets of codes. The fake-quantized
// pass multiplies those of abc as real numbers; of ttq it adds two sums.
var severalSums = []string{"abc", "ttq"}

// TestSumsAreTheAccumulators: fed the integers of the runtime, the fake-quantized pass has
// the accumulators of the runtime, but for one rounding to float32 and one by the scale, in
// every layer, for every method whose operands are codes.
func TestSumsAreTheAccumulators(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	input := layers.Input{Height: 16, Width: 16, Channels: 3, Params: layers.Normalized(0.45, 0.25)}
	for name, m := range map[string]layers.Module{
		"lenet": named(t, "lenet"), "resnet20": named(t, "resnet20"), "mobilenet": named(t, "mobilenet"), "branches": fourBranches(), "gated": gated(),
	} {
		for _, method := range qat.Methods() {
			info := method.Info()
			if slices.Contains(severalSums, info.Name) {
				continue
			}
			n, err := layers.Build(m, layers.Config{
				Name: name, Classes: []string{"a", "b", "c"}, Batch: 4, Input: input, Pool: pool, Seed: 3,
				Policy: qat.Policy{Method: method, WeightBits: info.Usual.WeightBits, ActivationBits: info.Usual.ActivationBits},
			})
			if err != nil {
				t.Fatalf("%s of %s: %v", name, info.Name, err)
			}
			g := &generator{Rand: rand.New(rand.NewPCG(7, 7)), seen: map[string]bool{}}
			images := g.images(n, 4)
			g.calibrate(t, n, images)
			if v, err := verify(t, n, images); err != nil || v.IntegerMismatches != 0 {
				t.Fatalf("%s of %s: %+v, %v", name, info.Name, v, err)
			}
			compareSums(t, name+" of "+info.Name, n, images.Images, images.Labels)
		}
	}
}

// named returns a network of the bundled ones, of a small width.
func named(t *testing.T, name string) layers.Module {
	t.Helper()
	m, err := layers.Named(name, 0.25, 3)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// compareSums compares the sums of every weighted layer with the accumulators of the
// integer mode, which are those of the runtime.
func compareSums(t *testing.T, name string, n *layers.Network, images []uint8, labels []int32) {
	t.Helper()
	units := map[string]*layers.Unit{}
	weighted, compared := 0, 0
	for _, u := range n.Units {
		units[u.Output.Name] = u
		if u.Kind.Weighted() {
			weighted++
		}
	}
	exact := map[string][]float32{}
	pass := graph.Pass{Mode: graph.Integer, Quantize: true, Tap: func(s graph.Site) {
		exact[s.Name] = slices.Clone(s.Y)
		for i, v := range s.Wide {
			exact[s.Name][i] = float32(v)
		}
	}}
	if _, err := n.Forward(pass, images, labels); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	pass.Mode, pass.Tap = graph.Eval, func(s graph.Site) {
		u := units[strings.TrimSuffix(s.Name, ".accumulators")]
		if u == nil {
			return
		}
		if q := u.Output.Quantizer; q != nil && s.Name == u.Output.Name {
			feed(s.Y, exact[s.Name], q)
			return
		}
		if !u.Kind.Weighted() || s.Name == u.Output.Name && !u.Output.Sums {
			return
		}
		compared++
		step := n.Input.Scale
		if q := u.Input().Origin().Quantizer; q != nil {
			step = q.Quantization().Scale
		}
		weights, most := u.Quantizer.(ste.Stepped).StepSizes(nil)
		if most == 0 {
			t.Fatalf("%s: %s has weights that are no codes", name, u.Name)
		}
		for i, acc := range exact[s.Name] {
			if want := acc * float32(step*weights[i%u.Channels%len(weights)]); s.Y[i] != want {
				t.Errorf("%s: %s: sum %d is %v, want %v: %v times the steps", name, u.Name, i, s.Y[i], want, acc)
				return
			}
		}
	}
	if _, err := n.Forward(pass, images, labels); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if compared != weighted {
		t.Errorf("%s: %d of %d layers were compared", name, compared, weighted)
	}
}

// feed puts what integers less their zero point stand for where y is.
func feed(y, integers []float32, q qat.Activation) {
	_, signs := q.(qat.Signs)
	for i, v := range integers {
		if signs {
			y[i] = 2*v - 1
		} else {
			y[i] = q.Quantization().Scale * v
		}
	}
}
