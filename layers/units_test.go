// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestResNetUnits checks kinds, roles and bits of resnet20 as docs/numerics.md,
// 2.2, has them.
func TestResNetUnits(t *testing.T) {
	n := build(t, named(t, "resnet20", 0.25), config(32, 32, 3, pact))
	var want []string
	for b := 1; b <= 9; b++ {
		if b == 4 || b == 7 {
			want = append(want, fmt.Sprintf("block%d.shortcut", b))
		}
		want = append(want, fmt.Sprintf("block%d.conv1", b), fmt.Sprintf("block%d.conv2", b))
	}
	want = append(append([]string{"conv1"}, want...), "globalavgpool1", "fc1")
	if got := names(n); !slices.Equal(got, want) {
		t.Fatalf("units %v, want %v", got, want)
	}
	previous := unit(t, n, "conv1")
	for b := 1; b <= 9; b++ {
		one, two := unit(t, n, fmt.Sprintf("block%d.conv1", b)), unit(t, n, fmt.Sprintf("block%d.conv2", b))
		if one.Input() != previous.Output || one.Activation != network.ReLU || added(one) != nil || bits(one) != 3 {
			t.Errorf("%s: activation %v, %d bits", one.Name, one.Activation, bits(one))
		}
		if two.Input() != one.Output || two.Activation != network.ReLU || added(two) == nil || bits(two) != 3 || two.Norm == nil {
			t.Fatalf("%s: activation %v, residual %v, %d bits", two.Name, two.Activation, added(two), bits(two))
		}
		if b == 4 || b == 7 {
			s := added(two).Source
			if !added(two).Sums || s.Name != fmt.Sprintf("block%d.shortcut", b) || s.Input() != previous.Output || s.Window.Stride != [2]int{2, 2} || s.Activation != network.Identity || bits(s) != 0 || s.Norm == nil {
				t.Errorf("block %d: the shortcut is %s, sums %v, %d bits", b, s.Name, added(two).Sums, bits(s))
			}
		} else if added(two) != previous.Output || added(two).Sums {
			t.Errorf("block %d: the skip tensor is %s, sums %v", b, added(two).Name, added(two).Sums)
		}
		for _, u := range []*layers.Unit{one, two} {
			if u.Assigned.Weights.Info().Name != "pact" || u.Quantizer.Bits() != 4 {
				t.Errorf("%s: weights of %s, %d bits", u.Name, u.Assigned.Weights.Info().Name, u.Quantizer.Bits())
			}
		}
		previous = two
	}
	for _, name := range []string{"conv1", "fc1"} {
		if u := unit(t, n, name); u.Assigned.Weights.Info().Name != "int" || u.Quantizer.Bits() != 8 {
			t.Errorf("%s: weights of %s, %d bits", name, u.Assigned.Weights.Info().Name, u.Quantizer.Bits())
		}
	}
	if b := bits(unit(t, n, "conv1")); b != 3 {
		t.Errorf("the result of conv1 has %d bits", b)
	}
	if b := bits(unit(t, n, "globalavgpool1")); b != 8 {
		t.Errorf("the last layer's input has %d bits", b)
	}
	if n.Logits.Source.Name != "fc1" || n.Logits.Quantizer != nil || n.Image.Source != nil || n.Image.Quantizer != nil {
		t.Errorf("logits of %s", n.Logits.Source.Name)
	}
}

func conv(channels int) layers.Conv2D {
	return layers.Conv2D{Channels: channels, Kernel: 3, Pad: 1, Activation: network.ReLU}
}

// TestBitsOfTensors follows bits through what passes codes on, and has the
// widest of what readers ask for.
func TestBitsOfTensors(t *testing.T) {
	rules := pact
	rules.Rules = []qat.Rule{{Match: "wide", Method: qat.Int{}, ActivationBits: 7}, {Match: "narrow", ActivationBits: 2}}
	named := func(name string, c layers.Conv2D) layers.Conv2D {
		c.Name = name
		return c
	}
	float := pact
	float.FirstLast = qat.FirstLastFloat
	for _, c := range []struct {
		name   string
		module layers.Chain
		policy qat.Policy
		want   map[string]int
	}{
		{"pooling, dropout and flattening", layers.Chain{
			conv(4), layers.MaxPool{Size: 2}, layers.Dropout{Rate: 0.5}, conv(4), layers.MaxPool{Size: 2}, layers.Flatten{}, layers.Linear{Channels: 10},
		}, pact, map[string]int{"conv1": 3, "maxpool1": 0, "dropout1": 0, "conv2": 8, "maxpool2": 0, "flatten1": 0, "fc1": 0}},
		{"average before the last layer", layers.Chain{conv(4), layers.AvgPool{Size: 4}, layers.Linear{Channels: 10}}, pact,
			map[string]int{"conv1": 3, "avgpool1": 8, "flatten1": 0}},
		{"average and maximum", layers.Chain{conv(4), layers.MaxPool{Size: 2}, layers.AvgPool{Size: 2}, conv(4), layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}, pact,
			map[string]int{"conv1": 3, "avgpool1": 3, "conv2": 3, "globalavgpool1": 8}},
		{"the widest reader", layers.Chain{conv(4), layers.Residual{Body: named("wide", conv(4)), Shortcut: named("narrow", conv(4))}, layers.Linear{Channels: 10}}, rules,
			map[string]int{"conv1": 7}},
		{"the widest reader, written first", layers.Chain{conv(4), layers.Residual{Body: named("narrow", conv(4)), Shortcut: named("wide", conv(4))}, layers.Linear{Channels: 10}}, rules,
			map[string]int{"conv1": 7}},
		{"the widest after a pooling", layers.Chain{conv(4), layers.Residual{
			Body:     layers.Chain{layers.MaxPool{Size: 2}, named("wide", conv(4))},
			Shortcut: layers.Chain{layers.MaxPool{Size: 2}, named("narrow", conv(4))},
		}, layers.Linear{Channels: 10}}, rules, map[string]int{"conv1": 7}},
		{"an average beside a narrow layer", layers.Chain{conv(4), layers.Residual{
			Body: layers.Conv2D{Name: "narrow", Channels: 4, Kernel: 3, Pad: 1, Stride: 2}, Shortcut: layers.AvgPool{Size: 2},
		}, layers.Linear{Channels: 10}}, rules, map[string]int{"conv1": 3}},
		{"an addition asks for nothing", layers.Chain{conv(4), layers.Residual{Body: named("narrow", conv(4))}, layers.Linear{Channels: 10}}, rules,
			map[string]int{"conv1": 2, "block1.narrow": 3, "block1.add": 8}},
		{"an addition alone", layers.Chain{conv(4), layers.Residual{Body: layers.Chain{}}, layers.Linear{Channels: 10}}, pact,
			map[string]int{"conv1": 3, "block1.add": 8}},
		{"floating-point ends", layers.Chain{conv(4), conv(4), layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}, float,
			map[string]int{"conv1": 3, "conv2": 3, "globalavgpool1": 0}},
		{"floating-point end after a pooling", layers.Chain{conv(4), conv(4), layers.MaxPool{Size: 8}, layers.Linear{Channels: 10}}, float,
			map[string]int{"conv1": 3, "conv2": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.policy.Rules { // of layers within the block too
				c.policy.Rules = append(c.policy.Rules, qat.Rule{
					Match: "*." + c.policy.Rules[i].Match, Method: c.policy.Rules[i].Method, ActivationBits: c.policy.Rules[i].ActivationBits,
				})
			}
			n := build(t, c.module, config(8, 8, 2, c.policy))
			for name, want := range c.want {
				if got := bits(unit(t, n, name)); got != want {
					t.Errorf("%s has %d bits, want %d", name, got, want)
				}
			}
			for _, u := range n.Units {
				origin := u.Output.Origin()
				switch u.Kind {
				case network.Maximum, network.Reshape, network.Drop:
					if origin != u.Input().Origin() || u.Output.Quantizer != nil {
						t.Errorf("%s does not pass on the codes of its input", u.Name)
					}
				default:
					if origin != u.Output {
						t.Errorf("%s has codes of %s", u.Name, origin.Name)
					}
				}
			}
		})
	}
}

// TestFloatLayers have no quantizer of their weights.
func TestFloatLayers(t *testing.T) {
	p := pact
	p.FirstLast = qat.FirstLastFloat
	n := build(t, layers.Chain{conv(4), conv(4), layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}, config(8, 8, 2, p))
	for name, float := range map[string]bool{"conv1": true, "conv2": false, "fc1": true} {
		if u := unit(t, n, name); (u.Quantizer == nil) != float || u.Assigned.Float != float {
			t.Errorf("%s: floating point is %v, want %v", name, u.Quantizer == nil, float)
		}
	}
}

// TestSigned says which tensors have a zero point above 0: those that are not
// rectified.
func TestSigned(t *testing.T) {
	linear := conv(4)
	linear.Activation = network.Identity
	n := build(t, layers.Chain{
		layers.Conv2D{Name: "a", Channels: 4, Kernel: 1}, layers.AvgPool{Name: "b", Size: 2},
		layers.Conv2D{Name: "c", Channels: 4, Kernel: 1, Activation: network.ReLU6}, layers.MaxPool{Size: 2}, layers.AvgPool{Name: "d", Size: 1},
		layers.Residual{Name: "e", Body: linear, Activation: network.ReLU}, layers.Residual{Name: "f", Body: linear},
		layers.GlobalAvgPool{Name: "g"}, layers.Linear{Channels: 10},
	}, config(8, 8, 2, qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4, FirstLast: qat.FirstLastSame}))
	for name, want := range map[string]bool{"a": true, "b": true, "c": false, "d": false, "e.conv1": false, "f.conv1": true, "g": true} {
		if got := unit(t, n, name).Output.Quantizer.Quantization().ZeroPoint > 0; got != want {
			t.Errorf("%s: signed is %v, want %v", name, got, want)
		}
	}
}

// TestResidualForms are the bodies and shortcuts that a block can have.
func TestResidualForms(t *testing.T) {
	identity := layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1}
	for _, c := range []struct {
		name  string
		block layers.Residual
		units string
		// what the last unit adds: its name, and whether it is sums
		skip string
		sums bool
	}{
		{"sum in the convolution", layers.Residual{Body: identity}, "block1.conv1", "conv1", false},
		{"activation in the body", layers.Residual{Body: conv(4)}, "block1.conv1 block1.add", "conv1", false},
		{"pooling in the body", layers.Residual{Body: layers.Chain{identity, layers.MaxPool{Size: 3, Stride: 1, Pad: 1}}}, "block1.conv1 block1.maxpool1 block1.add", "conv1", false},
		{"shortcut by default", layers.Residual{Body: layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Stride: 2}}, "block1.shortcut block1.conv1", "block1.shortcut", true},
		{"shortcut of one's own", layers.Residual{Body: identity, Shortcut: layers.Conv2D{Name: "s", Channels: 4, Kernel: 1, NoNorm: true}}, "block1.s block1.conv1", "block1.s", true},
		{"shortcut with activation", layers.Residual{Body: identity, Shortcut: conv(4)}, "block1.conv2 block1.conv1", "block1.conv2", false},
		{"pooling beside a convolution", layers.Residual{Body: layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1, Stride: 2}, Shortcut: layers.MaxPool{Size: 2}}, "block1.maxpool1 block1.conv1", "block1.maxpool1", false},
		{"nothing beside nothing", layers.Residual{Body: layers.Chain{}}, "block1.add", "conv1", false},
		{"a block in a block", layers.Residual{Body: layers.Residual{Body: identity}}, "block1.block1.conv1 block1.add", "conv1", false},
		{"a block as a shortcut", layers.Residual{Body: identity, Shortcut: layers.Residual{Body: identity}}, "block1.block1.conv1 block1.conv1", "block1.block1.conv1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.block.Activation = network.ReLU
			n := build(t, layers.Chain{conv(4), c.block, layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}, config(8, 8, 2, pact))
			all := names(n)
			if got := strings.Join(all[1:len(all)-2], " "); got != c.units {
				t.Fatalf("units %s, want %s", got, c.units)
			}
			last := n.Units[len(n.Units)-3]
			if added(last) == nil || added(last).Name != c.skip || added(last).Sums != c.sums || last.Activation != network.ReLU {
				t.Errorf("%s adds %v", last.Name, added(last))
			}
			// It trains, and evaluates.
			images, labels := make([]uint8, 2*8*8*2), []int32{3, 4}
			for i := range images {
				images[i] = uint8(31 * i)
			}
			pass := graph.Pass{Quantize: true}
			if _, err := n.Step(pass, images, labels); err != nil {
				t.Error(err)
			}
			if _, err := n.Forward(pass.In(graph.Eval), images, labels); err != nil {
				t.Error(err)
			}
		})
	}
}
