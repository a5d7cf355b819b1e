// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestImpossibleNetworks names layer and reason.
func TestImpossibleNetworks(t *testing.T) {
	last := layers.Linear{Channels: 10}
	for name, c := range map[string]struct {
		module layers.Module
		want   string
	}{
		"nothing":                    {layers.Chain{}, "must end with a linear layer, a convolution or an average"},
		"no weights at the end":      {layers.Chain{last, layers.Dropout{Rate: 0.5}}, "must end with a linear layer, a convolution or an average"},
		"activation at the end":      {layers.Linear{Channels: 10, Activation: network.ReLU}, "fc1 is the last layer"},
		"addition at the end":        {layers.Chain{layers.Linear{Channels: 10, Activation: network.ReLU}, layers.Residual{Body: last}}, "block1.fc1 is the last layer"},
		"other classes":              {layers.Linear{Channels: 9}, "the result fc1 is 1×1×9, want one value for each of 10 classes"},
		"weights beyond memory":      {layers.Chain{layers.Linear{Channels: 1 << 16}, layers.Linear{Channels: 1 << 16}, last}, "4.3e+09 parameters, more than 2147483648"},
		"image at the end":           {conv(10), "conv1 is the last layer"},
		"image of logits":            {layers.Conv2D{Channels: 10, Kernel: 3}, "the result conv1 is 6×6×10"},
		"kernel too large":           {layers.Chain{layers.Conv2D{Channels: 4, Kernel: 9}, last}, "conv1: a 9×9 window with stride 1 does not fit an input of 8×8×2"},
		"no kernel":                  {layers.Chain{layers.Conv2D{Channels: 4}, last}, "conv1: a 0×0 window"},
		"no channels":                {layers.Chain{layers.Conv2D{Kernel: 3}, last}, "conv1: 0 output channels"},
		"negative channels":          {layers.Chain{layers.Linear{Channels: -1}, last}, "fc1: -1 output channels"},
		"pooling too large":          {layers.Chain{conv(4), layers.MaxPool{Size: 9}, last}, "maxpool1: a 9×9 window"},
		"pooling of nothing":         {layers.Chain{conv(4), layers.AvgPool{}, last}, "avgpool1: a 0×0 window"},
		"pooling of padding":         {layers.Chain{conv(4), layers.MaxPool{Size: 2, Pad: 2}, last}, "maxpool1: a 2×2 window"},
		"negative padding":           {layers.Chain{layers.Conv2D{Channels: 4, Kernel: 3, Pad: -1}, last}, "conv1"},
		"indivisible groups":         {layers.Chain{layers.Conv2D{Channels: 4, Kernel: 3, Groups: 3}, last}, "conv1"},
		"groups beyond the channels": {layers.Chain{layers.Conv2D{Channels: 4, Kernel: 3, Groups: 4}, last}, "conv1"},
		"depthwise of other":         {layers.Chain{layers.Conv2D{Channels: 3, Kernel: 3, Depthwise: true}, last}, "conv1"},
		"dropout of all":             {layers.Chain{conv(4), layers.Dropout{Rate: 1}, last}, "dropout1: a dropout rate of 1"},
		"dropout of NaN":             {layers.Chain{conv(4), layers.Dropout{Rate: math.NaN()}, last}, "dropout1: a dropout rate of NaN"},
		"name twice":                 {layers.Chain{layers.Conv2D{Name: "a", Channels: 4, Kernel: 3}, layers.Linear{Name: "a", Channels: 10}}, "the name a is used twice"},
		"name of the image":          {layers.Chain{layers.Conv2D{Name: "image", Channels: 4, Kernel: 3}, last}, `"image" is empty or used twice`},
		"name taken by default":      {layers.Chain{layers.Conv2D{Name: "fc1", Channels: 4, Kernel: 3}, last}, "the name fc1 is used twice"},
		"slice of too many":          {layers.Chain{conv(4), layers.Slice{First: 2, Channels: 3}, last}, "slice1 takes channels 2 to 4 of 8×8×4"},
		"shuffle that does not fit":  {layers.Chain{conv(4), layers.Shuffle{Groups: 3}, last}, "shuffle1 shuffles 8×8×4 in 3 groups"},
		"upsampling by nothing":      {layers.Chain{conv(4), layers.Upsample{Factor: [2]int{2, 0}}, last}, "upsample1 enlarges 8×8×4 2×0 times"},
		"nonlinearity at the end":    {layers.Linear{Channels: 10, Activation: network.Sigmoid}, "must end with"},
		"product of other sizes": {layers.Graph{{Name: "a", Module: conv(4)}, {Name: "b", Module: layers.MaxPool{Size: 2}}, {Inputs: []string{"a", "b"}, Module: layers.Multiply{}}, {Module: last}},
			"multiply1 multiplies 8×8×4 by 4×4×4"},
		"unequal residual": {layers.Chain{conv(4), layers.Residual{Body: layers.Conv2D{Channels: 4, Kernel: 3}, Shortcut: layers.Chain{}}, last},
			"block1: the shortcut gives 8×8×4, the body 6×6×4"},
		"body that crops": {layers.Chain{conv(4), layers.Residual{Body: layers.Conv2D{Channels: 4, Kernel: 4}}, last}, "block1: the shortcut gives"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := layers.Build(c.module, config(8, 8, 2, pact))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	c := config(0, 8, 2, pact)
	if _, err := layers.Build(last, c); err == nil || !strings.Contains(err.Error(), "the input is 0×8×2") {
		t.Errorf("an image of no size: error %v", err)
	}
	c = config(8, 8, 2, pact)
	c.Batch = 0
	if _, err := layers.Build(last, c); err == nil || !strings.Contains(err.Error(), "image has the shape [0 8 8 2]") {
		t.Errorf("a batch of 0: error %v", err)
	}
	c = config(8, 8, 2, qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 1})
	if _, err := layers.Build(layers.Chain{conv(4), conv(4), last}, c); err == nil || !strings.Contains(err.Error(), "no 1-bit activations, only 2, 3, 4, 5, 6, 7, 8 (layer conv2)") {
		t.Errorf("1-bit activations of PACT: error %v", err)
	}
}

func TestNormalized(t *testing.T) {
	p := layers.Normalized(0.2860, 0.3530)
	if p.ZeroPoint != 73 || p.Scale != float32(1/(255*0.3530)) {
		t.Errorf("%+v", p)
	}
	if p := layers.Normalized(0.5/255, 1); p.ZeroPoint != 0 {
		t.Errorf("half a code is %d, want the even one", p.ZeroPoint)
	}
}

// TestFeeding gives a network images as codes, which it sees as real numbers, or
// in integers as differences from the zero point.
func TestFeeding(t *testing.T) {
	c := config(1, 1, 2, qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8})
	n := build(t, layers.Linear{Channels: 10}, c)
	w := unit(t, n, "fc1").Weight.Value
	clear(w)
	w[0], w[3] = 1, 1 // logits 0 and 1 are the two pixels
	logits, err := n.Forward(graph.Pass{Mode: graph.Eval}, []uint8{7, 200, 0, 255}, []int32{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	for i, code := range []float32{7, 200, 0, 255} {
		if got, want := logits[i/2*10+i%2], n.Input.Scale*(code-float32(n.Input.ZeroPoint)); got != want {
			t.Errorf("code %v is %v, want %v", code, got, want)
		}
	}
	for _, images := range [][]uint8{nil, {1}, {1, 2, 3}, {1, 2, 3, 4}} {
		if _, err := n.Forward(graph.Pass{Mode: graph.Eval}, images, []int32{0}); err == nil || !strings.Contains(err.Error(), "are not 1 images of 1×1×2") {
			t.Errorf("%d bytes: error %v", len(images), err)
		}
	}
	if _, err := n.Step(graph.Pass{}, make([]uint8, 6), []int32{0, 0, 0}); err == nil || !strings.Contains(err.Error(), "3 images does not fit a graph for 2") {
		t.Errorf("too many images: error %v", err)
	}
}

// TestState lists everything that lasts beside the parameters, by names of its
// own, and as memory in use.
func TestState(t *testing.T) {
	n := build(t, named(t, "resnet20", 0.25), config(32, 32, 3, qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8}))
	seen := map[string]bool{}
	for _, p := range n.Graph.Params() {
		seen[p.Name] = true
	}
	var norms, observers int
	for _, s := range n.State() {
		if seen[s.Name] {
			t.Errorf("the name %s is used twice", s.Name)
		}
		seen[s.Name] = true
		if strings.HasSuffix(s.Name, ".observer") {
			observers++
		} else {
			norms++
		}
	}
	// 21 convolutions with two statistics each; all results but those of the
	// shortcuts and of the last layer are observed.
	if norms != 2*21 || observers != 20 {
		t.Errorf("%d statistics and %d observers, want 42 and 20", norms, observers)
	}

	pass := graph.Pass{Quantize: true, Observe: true}
	before := copyState(n)
	if _, err := n.Step(pass, noise(2*32*32*3), []int32{1, 2}); err != nil {
		t.Fatal(err)
	}
	for name, v := range copyState(n) {
		if slices.Equal(v, before[name]) {
			t.Errorf("%s: a step left it as it was", name)
		}
	}
	before = copyState(n)
	if _, err := n.Forward(pass.In(graph.Eval), noise(32*32*3), []int32{1}); err != nil {
		t.Fatal(err)
	}
	for name, v := range copyState(n) {
		if !slices.Equal(v, before[name]) {
			t.Errorf("%s: an evaluation changed it", name)
		}
	}
}

func copyState(n *layers.Network) map[string][]float32 {
	s := map[string][]float32{}
	for _, v := range n.State() {
		s[v.Name] = slices.Clone(v.Data)
	}
	return s
}

// noise returns bytes that look random.
func noise(n int) []uint8 {
	x := make([]uint8, n)
	state := uint32(1)
	for i := range x {
		state = state*1664525 + 1013904223
		x[i] = uint8(state >> 24)
	}
	return x
}

// TestEveryMethodTrains takes steps on one batch with every method: the loss
// falls, nothing is allocated, and every parameter gets a gradient.
func TestEveryMethodTrains(t *testing.T) {
	for _, method := range qat.Methods() {
		m := method.Info()
		for _, width := range []int{slices.Min(m.WeightBits), slices.Max(m.WeightBits)} {
			p := qat.Policy{Method: method, WeightBits: width, ActivationBits: min(max(2, slices.Min(m.ActivationBits)), slices.Max(m.ActivationBits)), FirstLast: qat.FirstLastSame}
			n := build(t, layers.Chain{
				conv(6), layers.Residual{Body: layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1, Stride: 2}, Activation: network.ReLU},
				layers.Conv2D{Kernel: 3, Pad: 1, Depthwise: true}, layers.MaxPool{Size: 2}, layers.Linear{Channels: 10},
			}, config(8, 8, 2, p))
			images, labels := noise(2*8*8*2), []int32{3, 7}
			if _, err := n.Forward(graph.Pass{Mode: graph.Eval, Observe: true, Calibrate: true}, images, labels); err != nil {
				t.Fatal(err)
			}
			n.Start()
			pass := graph.Pass{Quantize: true, Observe: true}
			for _, p := range n.Graph.Params() {
				if strings.HasSuffix(p.Name, ".clip") {
					p.Value[0] /= 2 // two images reach no clip
				}
			}
			rate := float32(0.02)
			if m.Name == "xnor" { // whose gradients are multiplied by the weights of a filter
				rate = 0.003
			}
			var first, last float32
			moved := map[string]bool{}
			for i := range 30 {
				loss, err := n.Step(pass, images, labels)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = loss
				}
				last = loss
				for _, p := range n.Graph.Params() {
					for k, d := range p.Grad {
						moved[p.Name] = moved[p.Name] || d != 0
						p.Value[k] -= rate * d
					}
				}
				n.Constrain(pass)
			}
			if !(last < 0.6*first) {
				t.Errorf("%s, %d bits: the loss went from %v to %v", m.Name, width, first, last)
			}
			for _, p := range n.Graph.Params() {
				if !moved[p.Name] {
					t.Errorf("%s, %d bits: %s never had a gradient", m.Name, width, p.Name)
				}
			}
			for name, s := range n.Scales() {
				if !(s > 0) || math.IsInf(s, 0) {
					t.Errorf("%s, %d bits: the scale of %s is %v", m.Name, width, name, s)
				}
			}
			if a := testing.AllocsPerRun(5, func() {
				if _, err := n.Step(pass, images, labels); err != nil {
					t.Fatal(err)
				}
			}); a != 0 {
				t.Errorf("%s, %d bits: %v allocations in a step", m.Name, width, a)
			}
		}
	}
}
