// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestCheckShapes names a tensor that a model has no room for.
func TestCheckShapes(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	for side, want := range map[int]string{
		128: "",
		129: `tensor 1 ("flatten1"): shape 1×1×66564, want sizes from 1 to 65536; make data.height and data.width smaller, or pool more`,
	} {
		n, err := layers.Build(layers.Chain{layers.Flatten{}, layers.Linear{Channels: 2}}, layers.Config{
			Name: "net", Input: layers.Input{Height: 2 * side, Width: 2 * side, Channels: 1, Params: layers.Normalized(0.5, 0.5)},
			Classes: []string{"a", "b"}, Batch: 1, Policy: qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4}, Pool: pool,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := export.Check(n); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d: error %v, want %q", side, err, want)
		}
	}
}

// TestCheck names what cannot become integers.
func TestCheck(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	relu := layers.Conv2D{Channels: 3, Kernel: 3, Activation: network.ReLU}
	for _, c := range []struct {
		policy qat.Policy
		want   string
	}{
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4}, ""},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, FirstLast: qat.FirstLastSame}, ""},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, FirstLast: qat.FirstLastFloat}, "layer conv1 stays in floating point (first_last: float)"},
		{qat.Policy{Method: qat.XNOR{}, WeightBits: 1, ActivationBits: 1}, ""},
		{qat.Policy{Method: qat.XNOR{}, WeightBits: 1, ActivationBits: 1, InputScaling: true}, "layer conv2 scales its results by the magnitudes of its input (input_scaling: true)"},
		{qat.Policy{Method: qat.Int{}, WeightBits: qat.FloatBits, ActivationBits: 4}, "the weights of layer conv1 stay in floating point (weight_bits: 32)"},
		{qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: qat.FloatBits}, "the input of layer conv1 stays in floating point (activation_bits: 32)"},
		{
			qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, Rules: []qat.Rule{{Match: "conv2", WeightBits: qat.FloatBits}}},
			"the weights of layer conv2 stay in floating point (weight_bits: 32)",
		},
	} {
		n, err := layers.Build(layers.Chain{relu, relu, layers.Linear{Channels: 2}}, layers.Config{
			Name: "net", Input: layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.5, 0.5)},
			Classes: []string{"a", "b"}, Batch: 1, Policy: c.policy, Pool: pool,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := export.Check(n); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: error %v, want %q", c.policy, err, c.want)
		}
	}
}

// TestWeightsThatAreNoNumbersAreNotExported puts an infinity, then what is no number,
// into each parameter of a network: nothing is written, and the parameter is named.
func TestWeightsThatAreNoNumbersAreNotExported(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	conv := layers.Conv2D{Channels: 3, Kernel: 3, Activation: network.ReLU}
	for _, method := range []qat.Method{qat.Int{}, qat.PACT{}, qat.DoReFa{}, qat.WRPN{}} {
		n, err := layers.Build(layers.Chain{conv, conv, layers.Linear{Channels: 2}}, layers.Config{
			Name: "net", Input: layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.5, 0.5)},
			Classes: []string{"a", "b"}, Batch: 1, Policy: qat.Policy{Method: method, WeightBits: 4, ActivationBits: 4}, Pool: pool,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range n.Graph.Params() {
			for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
				at := len(p.Value) - 1
				kept := p.Value[at]
				p.Value[at] = float32(v)
				var file strings.Builder
				if err := export.Write(&file, n, export.About{}); err == nil || !strings.Contains(err.Error(), p.Name) || file.Len() > 0 {
					t.Errorf("%s: %v in %s: error %v, %d bytes written", method.Info().Name, v, p.Name, err, file.Len())
				}
				p.Value[at] = kept
			}
		}
	}
}

// TestCheckRefusesWhatTheFileRefuses has networks that train, but that a model
// has no form for: they are refused before the training.
func TestCheckRefusesWhatTheFileRefuses(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	for _, c := range []struct {
		module  layers.Module
		classes []string
		want    string
	}{
		{layers.Chain{layers.Conv2D{Channels: 3, Kernel: 3, Pad: 3}, layers.Linear{Channels: 2}}, []string{"a", "b"}, "padding is less than the kernel"},
		{layers.Chain{layers.Conv2D{Channels: 3, Kernel: 1, Pad: 1}, layers.Linear{Channels: 2}}, []string{"a", "b"}, "padding is less than the kernel"},
		{layers.Chain{layers.Conv2D{Name: strings.Repeat("x", 300), Channels: 3, Kernel: 3}, layers.Linear{Channels: 2}}, []string{"a", "b"}, "longer than 256 bytes"},
		{layers.Chain{layers.Conv2D{Channels: 3, Kernel: 3}, layers.Linear{Channels: 2}}, []string{"a", "\xff"}, "not UTF-8"},
		{layers.Chain{layers.Conv2D{Channels: 3, Kernel: 3}, layers.Linear{Channels: 2}}, []string{"a", "b"}, ""},
	} {
		n, err := layers.Build(c.module, layers.Config{
			Name: "net", Input: layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.5, 0.5)},
			Classes: c.classes, Batch: 1, Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4}, Pool: pool,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := export.Check(n); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestCheckRefusesWhatExportRefuses makes windows and names of every kind, fit or not:
// what the check before training lets pass is exported, and what it refuses is not.
func TestCheckRefusesWhatExportRefuses(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	g := &generator{Rand: rand.New(rand.NewPCG(7, 7)), seen: map[string]bool{}}
	refused := 0
	const networks = 300
	for range networks {
		window := func(stride int) geometry.Window {
			w := geometry.Window{Kernel: [2]int{1 + g.IntN(3), 1 + g.IntN(3)}, Stride: [2]int{stride, 1 + g.IntN(2)}}
			for side := range w.Pad {
				w.Pad[side] = max(0, g.IntN(w.Kernel[side%2]+3)-2)
			}
			if g.IntN(12) == 0 {
				w.Dilation = [2]int{1 + g.IntN(2), 1 + g.IntN(2)}
			}
			return w
		}
		method := pick(g, qat.Methods()...)
		name := pick(g, "", "", "", "", "", "conv", strings.Repeat("n", 256), strings.Repeat("n", 257), "\xff")
		chain := layers.Chain{layers.Conv2D{Name: name, Channels: 4, Window: window(1), Activation: network.ReLU}}
		switch g.IntN(4) {
		case 0:
			chain = append(chain, layers.AvgPool{Window: geometry.Window{Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}, Pad: [4]int{0, g.IntN(2)}}})
		case 1:
			chain = append(chain, layers.Conv2D{Window: window(2), Depthwise: true, Activation: network.ReLU})
		case 2:
			chain = append(chain, layers.Residual{Body: layers.Conv2D{Channels: 4, Window: window(1)}, Shortcut: layers.Conv2D{Channels: 4, Window: window(1)}})
		}
		n, err := layers.Build(append(chain, layers.Linear{Channels: 2}), layers.Config{
			Name: "net", Input: layers.Input{Height: 6, Width: 7, Channels: 1, Params: layers.Normalized(0.5, 0.5)}, Batch: 4, Pool: pool,
			Classes: []string{"a", pick(g, "b", "b", "b", strings.Repeat("b", 300))},
			Policy:  qat.Policy{Method: method, WeightBits: method.Info().Usual.WeightBits, ActivationBits: method.Info().Usual.ActivationBits},
		})
		if err != nil { // shapes that no network can have
			continue
		}
		before := export.Check(n)
		g.calibrate(t, n, g.images(n, 4))
		after := export.Write(io.Discard, n, export.About{Method: method.Info().Name})
		if (before == nil) != (after == nil) || before != nil && before.Error() != after.Error() {
			t.Errorf("%s %v: before training %v, after it %v", method.Info().Name, n.Units[0].Window, before, after)
		}
		if before != nil {
			refused++
		}
	}
	if refused < networks/5 || refused > networks*4/5 {
		t.Errorf("%d of %d networks are refused", refused, networks)
	}
}
