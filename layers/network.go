// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// Input describes the images of a network: uint8, NHWC, whose codes stand for
// real values by one scale and zero point (contract, Numerics 4).
type Input struct {
	Height, Width, Channels int
	quant.Params
}

// Normalized returns the input quantization for images whose pixels, in [0, 1],
// have the given mean and deviation: zero point RNE(255 mean), scale
// 1/(255 deviation).
func Normalized(mean, deviation float64) quant.Params {
	return quant.Params{Scale: float32(1 / (255 * deviation)), ZeroPoint: int32(math.RoundToEven(255 * mean))}
}

// Config is what Build needs beside the modules.
type Config struct {
	Name    string
	Input   Input
	Classes []string
	Batch   int // the greatest batch
	Policy  qat.Policy
	Seed    uint64 // of the initial weights
	Loss    graph.Loss
	Pool    *graph.Pool
}

// A Network is modules built into a training graph.
type Network struct {
	Config
	Graph  *graph.Graph
	Units  []*Unit // in the order of execution
	Image  *Tensor
	Logits *Tensor

	stage int
}

// Build traces m, whose result must be one value for each class, and builds
// its training graph.
func Build(m Module, c Config) (*Network, error) {
	t := &tracer{counts: map[string]int{}, names: map[string]bool{}}
	image := &Tensor{Name: "image", Height: c.Input.Height, Width: c.Input.Width, Channels: c.Input.Channels}
	if image.Height < 1 || image.Width < 1 || image.Channels < 1 {
		return nil, fmt.Errorf("layers: the input is %s", image.shape())
	}
	logits := m.trace(t, image)
	if t.err != nil {
		return nil, t.err
	}
	n := &Network{Config: c, Units: t.units, Image: image, Logits: logits, stage: len(c.Policy.Stages)}
	if err := n.check(); err != nil {
		return nil, err
	}
	logits.Role = Logits
	if err := n.applyPolicy(); err != nil {
		return nil, err
	}
	n.binarize()
	if err := n.narrowImage(); err != nil {
		return nil, err
	}
	n.Graph = graph.New(c.Batch, c.Pool)
	image.node = n.Graph.Input(image.Height, image.Width, image.Channels)
	for _, u := range n.Units {
		if err := n.emit(u); err != nil {
			return nil, err
		}
	}
	if err := n.Graph.Finish(logits.node, c.Loss); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Network) check() error {
	l := n.Logits
	switch {
	case l.Source == nil || !l.Source.Weighted():
		return errors.New("layers: a network must end with a linear layer or a convolution")
	case l.Source.Activation != graph.Identity || l.Source.Residual != nil:
		return fmt.Errorf("layers: %s is the last layer: it can have no activation and be no part of an addition", l.Name)
	case l.Height != 1 || l.Width != 1 || l.Channels != len(n.Classes):
		return fmt.Errorf("layers: the result %s is %s, want one value for each of %d classes", l.Name, l.shape(), len(n.Classes))
	}
	return nil
}

// emit adds the unit to the graph.
func (n *Network) emit(u *Unit) error {
	g, x := n.Graph, u.Input.node
	switch u.Kind {
	case Maximum:
		if _, ok := u.Input.Signs(); ok {
			u.Output.node = g.MaxPoolSigns(u.Name, x, u.Window)
		} else {
			u.Output.node = g.MaxPool(u.Name, x, u.Window)
		}
		return nil
	case Reshape:
		u.Output.node = g.Flatten(u.Name, x)
		return nil
	case Drop:
		u.Output.node = g.Dropout(u.Name, x, u.rate)
		return nil
	case Average:
		x = g.AvgPool(u.Name+".sum", x, u.Window, u.CountPad)
	case Convolution, FullyConnected:
		x = n.emitWeighted(u)
		if u.Output.Role == Accumulators {
			u.Output.node = x
			return nil
		}
	}
	q, err := n.quantizer(u)
	if err != nil {
		return err
	}
	u.Output.Quantizer = q
	e := graph.Epilogue{Terms: []graph.Term{{X: x, Norm: u.Norm, Bias: u.Bias}}, Activation: u.Activation, Replaced: u.Replaced()}
	if r := u.Residual; r != nil {
		t := graph.Term{X: r.node}
		if r.Role == Accumulators {
			t.Norm, t.Bias = r.Source.Norm, r.Source.Bias
		}
		e.Terms = append(e.Terms, t)
	}
	if q != nil {
		e.Quantizer = q
	}
	u.Output.node = g.Epilogue(u.Name, e)
	return nil
}

// emitWeighted adds the unit's weights and its accumulators.
func (n *Network) emitWeighted(u *Unit) *graph.Node {
	g, in := n.Graph, u.Input.Channels
	shape := []int{u.Channels, u.Window.Kernel[0], u.Window.Kernel[1], in / u.Window.Groups}
	u.Weight = g.Param(u.Name+".weight", graph.Weights, shape...)
	n.initialize(u)
	w := u.Weight.Node()
	if !u.Policy.FloatWeights() {
		u.Quantizer = n.weights(u, shape)
		u.Quantizer.Start(u.Weight.Value)
		w = ste.Weights(g, u.Name+".quantize", u.Weight, u.Quantizer)
	}
	if u.norm {
		u.Norm = g.Norm(u.Name, u.Channels)
		u.Norm.PowerOfTwo = n.Policy.PowerOfTwo
	}
	if u.bias {
		u.Bias = g.Param(u.Name+".bias", graph.Biases, u.Channels)
	}
	return n.emitConv(u, w)
}

// initialize draws the shadow weights from a normal distribution of variance
// 2/fan-in (He et al. 2015, equation 10), by the seed and the layer's name.
func (n *Network) initialize(u *Unit) {
	var key uint64 = 14695981039346656037 // FNV-1a
	for _, b := range []byte(u.Name) {
		key = (key ^ uint64(b)) * 1099511628211
	}
	rng := rand.New(rand.NewPCG(n.Seed, key))
	deviation := math.Sqrt(2 * float64(u.Channels) / float64(max(1, len(u.Weight.Value))))
	for i := range u.Weight.Value {
		u.Weight.Value[i] = float32(rng.NormFloat64() * deviation)
	}
}

// Step computes the loss and the gradients of a batch: images are uint8 codes,
// NHWC.
func (n *Network) Step(p graph.Pass, images []uint8, labels []int32) (loss float32, err error) {
	if err := n.feed(images, labels, n.Input.Real); err != nil {
		return 0, err
	}
	return n.Graph.Step(p)
}

// Forward computes the logits of a batch, [len(labels), classes]; Integer runs need
// integer parameters (package export sets them).
func (n *Network) Forward(p graph.Pass, images []uint8, labels []int32) ([]float32, error) {
	value := n.Input.Real
	if p.Mode == graph.Integer {
		value = func(code int32) float32 { return float32(code - n.Input.ZeroPoint) }
	}
	if err := n.feed(images, labels, value); err != nil {
		return nil, err
	}
	if err := n.Graph.Forward(p); err != nil {
		return nil, err
	}
	return n.Graph.Logits(), nil
}

// feed binds a batch with the given values for the 256 codes.
func (n *Network) feed(images []uint8, labels []int32, value func(int32) float32) error {
	size := n.Image.Height * n.Image.Width * n.Image.Channels
	if len(images) != len(labels)*size {
		return fmt.Errorf("layers: %d bytes are not %d images of %s", len(images), len(labels), n.Image.shape())
	}
	var table [256]float32
	for code := range table {
		table[code] = value(int32(code))
	}
	return n.Graph.Feed(labels, func(x []float32) {
		for i, code := range images {
			x[i] = table[code]
		}
	})
}

// MACs returns the multiply-accumulates of one image.
func (n *Network) MACs() int {
	var total int
	for _, u := range n.Units {
		if u.Weighted() {
			total += u.Output.Height * u.Output.Width * len(u.Weight.Value)
		}
	}
	return total
}

// Parameters returns the number of trained values.
func (n *Network) Parameters() int {
	var total int
	for _, p := range n.Graph.Params() {
		total += len(p.Value)
	}
	return total
}

// Scales returns the scale in use of every quantized tensor, by name.
func (n *Network) Scales() map[string]float64 {
	scales := map[string]float64{}
	for _, u := range n.Units {
		if q := u.Output.Quantizer; q != nil {
			scales[u.Output.Name] = float64(q.Quantization().Scale)
		}
	}
	return scales
}
