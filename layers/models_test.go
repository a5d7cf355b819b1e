// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"math"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// TestNamedNetworks compares sizes with those that PyTorch 1.13.1 counts of the
// same networks. PACT learns a clip a tensor more.
func TestNamedNetworks(t *testing.T) {
	for _, c := range []struct {
		name             string
		width            float64
		parameters, macs int
		clips            int
	}{
		{"mlp", 1, 335882, 334336, 2}, // the tensor before the last layer is "int"
		{"lenet", 1, 1663466, 12273152, 2},
		{"cnv", 1, 1546698, 59461376, 7},
		{"resnet20", 1, 272474, 40813184, 19},
		{"resnet32", 1, 466906, 69124736, 31},
		{"resnet56", 1, 855770, 125747840, 55},
		{"mobilenet", 0.5, 823722, 12167168, 27},
		{"resnet8", 1, 77946, 12501632, 7},
		{"dscnn", 1, 23050, 2656640, 9},
	} {
		h, w, channels := layers.DefaultInput(c.name)
		conf := config(h, w, channels, qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8})
		conf.Batch = 1
		n := build(t, named(t, c.name, c.width), conf)
		if n.Parameters() != c.parameters || n.MACs() != c.macs {
			t.Errorf("%s: %d parameters and %d MACs, want %d and %d", c.name, n.Parameters(), n.MACs(), c.parameters, c.macs)
		}
		conf.Policy = pact
		n = build(t, named(t, c.name, c.width), conf)
		if n.Parameters() != c.parameters+c.clips {
			t.Errorf("%s: %d parameters with PACT, want %d", c.name, n.Parameters(), c.parameters+c.clips)
		}
		logits, err := n.Forward(graph.Pass{Mode: graph.Eval}, make([]uint8, h*w*channels), []int32{0})
		if err != nil || len(logits) != 10 {
			t.Errorf("%s: %d logits, %v", c.name, len(logits), err)
		}
	}
	if len(layers.Names()) != 9 {
		t.Errorf("networks %v", layers.Names())
	}
}

func TestNamedErrors(t *testing.T) {
	if _, err := layers.Named("resnet18", 1, 10); err == nil || !strings.Contains(err.Error(), `no network "resnet18"; choose one of mlp, lenet`) {
		t.Errorf("error %v", err)
	}
	for _, width := range []float64{0, -1, 65, math.NaN(), math.Inf(1)} {
		if _, err := layers.Named("lenet", width, 10); err == nil || !strings.Contains(err.Error(), "not in (0, 64]") {
			t.Errorf("width %v: error %v", width, err)
		}
	}
	for _, name := range layers.Names() { // the narrowest is still a network
		h, w, c := layers.DefaultInput(name)
		if _, err := layers.Build(named(t, name, 1e-9), config(h, w, c, pact)); err != nil {
			t.Errorf("%s of width 1e-9: %v", name, err)
		}
	}
}

// TestInitialWeights have the deviation √(2/fan-in), and depend on the seed and
// the layer's name alone.
func TestInitialWeights(t *testing.T) {
	c := config(28, 28, 1, pact)
	n := build(t, named(t, "lenet", 0.5), c)
	for _, u := range n.Units {
		if !u.Kind.Weighted() {
			continue
		}
		w := u.Weight.Value
		fanIn := len(w) / u.Channels
		var sum, squares float64
		for _, v := range w {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		count := float64(len(w))
		want := 2 / float64(fanIn)
		if math.Abs(squares/count-want) > 5*want*math.Sqrt(2/count) || math.Abs(sum/count) > 5*math.Sqrt(want/count) {
			t.Errorf("%s: mean %v, variance %v, want 0 and %v", u.Name, sum/count, squares/count, want)
		}
	}
	first := func(m layers.Module, c layers.Config, name string) float32 {
		return unit(t, build(t, m, c), name).Weight.Value[0]
	}
	want := first(named(t, "lenet", 0.5), c, "fc1")
	other := c
	other.Policy = qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8}
	other.Batch = 1
	if first(named(t, "lenet", 0.5), other, "fc1") != want {
		t.Error("the quantization changes the weights")
	}
	other.Seed = 2
	if first(named(t, "lenet", 0.5), other, "fc1") == want || first(named(t, "lenet", 0.5), c, "conv2") == first(named(t, "lenet", 0.5), c, "conv1") {
		t.Error("seed or layer do not change the weights")
	}
}
