// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestRandomNetworks builds networks of every kind of layer at random, with
// parameters and statistics of no training: channels of zeros, negative and zero
// gammas, ranges of any size. Each is exported, and every integer of the runtime
// equals the training graph's.
func TestRandomNetworks(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	seen := map[string]bool{}
	for seed := range uint64(60) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), seen: seen}
		m, c := g.network()
		c.Pool = pool
		name := fmt.Sprintf("seed %d, %s with weights of %s, w%da%d", seed, c.Policy.Method.Info().Name, c.Policy.Weights.Info().Name, c.Policy.WeightBits, c.Policy.ActivationBits)
		n, err := layers.Build(m, c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		g.signs(n)
		g.shake(n)
		images := g.images(n, 9)
		g.calibrate(t, n, images)
		v, err := verify(t, n, images)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v.IntegerMismatches != 0 {
			t.Errorf("%s: %d integers differ in %d tensors", name, v.IntegerMismatches, v.Tensors)
		}
	}
	for _, what := range []string{"conv", "groups", "depthwise", "stride", "residual", "shortcut", "add", "maxpool", "avgpool", "global", "dropout", "relu6", "signed", "wide", "linear", "power of two", "signs", "several signs", "branches", "sign unit", "pooled signs", "padded signs", "channels of the image"} {
		if !seen[what] {
			t.Errorf("no network had %s", what)
		}
	}
}

func verify(t *testing.T, n *layers.Network, images datasets.Split) (export.Verification, error) {
	t.Helper()
	var file bytes.Buffer
	if err := export.Write(&file, n, export.About{Method: n.Policy.Method.Info().Name}); err != nil {
		return export.Verification{}, err
	}
	m, err := infer.FromBytes(file.Bytes())
	if err != nil {
		return export.Verification{}, err
	}
	return export.Verify(t.Context(), n, m, images, 2, nil)
}

// generator makes networks at random, and notes what they had.
type generator struct {
	*rand.Rand
	seen map[string]bool
}

func (g *generator) note(what string) { g.seen[what] = true }

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

func (g *generator) network() (layers.Module, layers.Config) {
	method, weights := pick(g, qat.Methods()...), pick(g, qat.Methods()...)
	c := layers.Config{
		Name: "random", Classes: []string{"a", "b", "c"}, Batch: 4, Seed: g.Uint64(),
		Input: layers.Input{Height: 7 + g.IntN(6), Width: 7 + g.IntN(6), Channels: 1 + 2*g.IntN(2)},
		Policy: qat.Policy{
			Method: method, WeightBits: pick(g, weights.Info().WeightBits...),
			Weights: weights, ActivationBits: pick(g, method.Info().ActivationBits...),
			FirstLast: pick(g, qat.FirstLast8, qat.FirstLastSame), PerTensor: g.IntN(4) == 0, MinMax: g.IntN(2) == 0, WholeBiases: g.IntN(4) == 0,
		},
	}
	if g.IntN(2) == 0 && method.Info().PowersOfTwo && weights.Info().PowersOfTwo {
		g.note("power of two")
		c.Policy.PowerOfTwo = true
	}
	c.Input.Params = layers.Normalized(g.Float64(), 0.05+g.Float64())
	if c.Input.Channels > 1 && c.Policy.FirstLast == qat.FirstLast8 && !c.Policy.PowerOfTwo && g.IntN(2) == 0 {
		g.note("channels of the image")
		mean, deviation := make([]float64, c.Input.Channels), make([]float64, c.Input.Channels)
		for k := range mean {
			mean[k], deviation[k] = g.Float64(), 0.05+g.Float64()
		}
		if err := c.Input.Normalize(mean, deviation); err != nil {
			panic(err)
		}
	}
	chain := layers.Chain{g.conv(1 + g.IntN(9))}
	for range 1 + g.IntN(4) {
		chain = append(chain, g.block())
	}
	switch g.IntN(3) {
	case 0:
		g.note("global")
		chain = append(chain, layers.GlobalAvgPool{})
	case 1:
		g.note("wide")
		chain = append(chain, layers.Flatten{}, layers.Linear{Channels: 300, Activation: network.ReLU}, layers.Linear{Channels: 300, Norm: true, Activation: network.ReLU})
	}
	g.note("linear")
	return append(chain, layers.Linear{Channels: 3}), c
}

// signs notes where the network has signs.
func (g *generator) signs(n *layers.Network) {
	for _, u := range n.Units {
		s, binary := u.Input().Signs()
		switch {
		case u.Kind == network.Sign:
			g.note("sign unit")
		case !binary:
		case u.Kind == network.Maximum:
			g.note("pooled signs")
		case u.Kind.Weighted() && u.Window.Padded():
			g.note("padded signs")
		}
		if binary {
			g.note("signs")
			if s.Bits() > 1 {
				g.note("several signs")
			}
		}
	}
}

func (g *generator) block() layers.Module {
	switch g.IntN(8) {
	case 0:
		g.note("maxpool")
		return layers.MaxPool{Size: 2, Stride: 1 + g.IntN(2), Pad: g.IntN(2)}
	case 1:
		g.note("avgpool")
		return layers.AvgPool{Size: 2, Stride: 1}
	case 2:
		g.note("depthwise")
		return layers.Conv2D{Kernel: 3, Pad: 1, Depthwise: true, Activation: g.activation()}
	case 3:
		g.note("residual")
		return layers.Residual{Body: layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, NoNorm: g.IntN(2) == 0}, Activation: g.activation(), Shortcut: g.shortcut()}
	case 4:
		g.note("add") // the body ends in an activation: an addition of its own
		return layers.Chain{
			layers.Conv2D{Channels: 6, Kernel: 1, Activation: network.ReLU},
			layers.Residual{Body: layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Activation: network.ReLU}, Activation: g.activation()},
		}
	case 5:
		g.note("dropout")
		return layers.Chain{layers.Dropout{Rate: 0.3}, g.conv(6)}
	case 6:
		g.note("branches")
		return g.branches()
	default:
		return g.conv(1 + g.IntN(12))
	}
}

// branches are three paths from one tensor, joined with it by an addition of four.
func (g *generator) branches() layers.Module {
	path := func(kernel int, a network.Activation) layers.Module {
		return layers.Conv2D{Channels: 6, Kernel: kernel, Pad: kernel / 2, NoNorm: g.IntN(2) == 0, Activation: a}
	}
	return layers.Graph{
		{Name: "stem", Module: path(1, g.activation())},
		{Name: "a", Module: path(3, network.Identity)},
		{Name: "b", Inputs: []string{"stem"}, Module: path(1, g.activation())},
		{Name: "c", Inputs: []string{"stem"}, Module: layers.Chain{path(3, network.ReLU), path(1, pick(g, network.Identity, network.ReLU))}},
		{Inputs: []string{"a", "c", "stem", "b"}, Module: layers.Add{Activation: g.activation()}},
	}
}

// shortcut is an explicit 1×1 convolution.
func (g *generator) shortcut() layers.Module {
	g.note("shortcut")
	return layers.Conv2D{Channels: 6, Kernel: 1}
}

func (g *generator) conv(channels int) layers.Module {
	g.note("conv")
	c := layers.Conv2D{Channels: channels, Kernel: pick(g, 1, 3, 5), NoNorm: g.IntN(3) == 0, Activation: g.activation()}
	c.Pad = c.Kernel / 2
	if g.IntN(4) == 0 {
		g.note("stride")
		c.Stride = 2
	}
	if channels == 6 && g.IntN(2) == 0 {
		g.note("groups")
		return layers.Chain{layers.Conv2D{Channels: 6, Kernel: 1, Activation: network.ReLU}, layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Groups: 2, Activation: c.Activation}}
	}
	return c
}

func (g *generator) activation() network.Activation {
	a := pick(g, network.ReLU, network.ReLU, network.ReLU6, network.Identity)
	switch a {
	case network.ReLU6:
		g.note("relu6")
	case network.Identity:
		g.note("signed")
	}
	return a
}

// shake gives parameters and statistics values that training seldom has.
func (g *generator) shake(n *layers.Network) {
	for _, u := range n.Units {
		for c := range u.Output.Channels {
			if u.Kind.Weighted() && g.IntN(8) == 0 {
				size := len(u.Weight.Value) / u.Channels
				clear(u.Weight.Value[c*size : (c+1)*size])
			}
			if u.Slopes != nil {
				u.Slopes.Value[c] = float32(g.NormFloat64())
			}
			if u.Bias != nil {
				u.Bias.Value[c] = float32(g.NormFloat64() * pick(g, 0.0, 0.1, 30))
			}
			if u.Norm != nil {
				u.Norm.Gamma.Value[c] = float32(g.NormFloat64() * pick(g, 0.0, 1, 1, 5))
				u.Norm.Beta.Value[c] = float32(g.NormFloat64())
				u.Norm.Mean[c] = float32(g.NormFloat64())
				u.Norm.Variance[c] = float32(g.Float64() * pick(g, 1e-6, 1.0, 20))
			}
		}
	}
}

func (g *generator) images(n *layers.Network, count int) datasets.Split {
	s := datasets.Split{Images: make([]uint8, count*n.Input.Height*n.Input.Width*n.Input.Channels), Labels: make([]int32, count)}
	for i := range s.Images {
		s.Images[i] = uint8(g.IntN(256))
	}
	return s
}

// calibrate starts the quantizers: those of tensors from the first images, whose
// ranges the others exceed here and there.
func (g *generator) calibrate(t *testing.T, n *layers.Network, s datasets.Split) {
	t.Helper()
	n.Start()
	size := len(s.Images) / s.Len()
	if _, err := n.Forward(graph.Pass{Mode: graph.Eval, Observe: true, Calibrate: true}, s.Images[:4*size], s.Labels[:4]); err != nil {
		t.Fatal(err)
	}
}
