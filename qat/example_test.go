// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// fixed is a method of one's own: weights as "int" has them, and activations whose
// codes always stand for 0 to Top. What it has not of its own is that of qat.Int.
type fixed struct {
	qat.Int
	Top float32
}

func (m fixed) Info() qat.Info {
	i := m.Int.Info()
	i.Name, i.Paper = "fixed", "an example"
	return i
}

func (m fixed) Activation(_ *graph.Graph, _ string, o qat.Options) qat.Activation {
	most := quant.Activation(o.Bits).Max()
	return &fixedActivation{bits: o.Bits, Clip: ste.Clip{Scale: m.Top / float32(most), Most: float32(most)}}
}

// fixedActivation rounds between 0 and Top; ste.Clip has the formula and its gradient.
type fixedActivation struct {
	ste.Clip
	bits int
}

func (a *fixedActivation) Params() []*graph.Param                      { return nil }
func (a *fixedActivation) Bits() int                                   { return a.bits }
func (a *fixedActivation) Begin(*graph.Run)                            {}
func (a *fixedActivation) Backward(dx, src, dy []float32, _ []float64) { a.Clip.Backward(dx, src, dy) }
func (a *fixedActivation) Observe(*graph.Run, graph.Stats)             {}
func (a *fixedActivation) State() []graph.State                        { return nil }
func (a *fixedActivation) Constrain()                                  {}
func (a *fixedActivation) Quantization() qat.Quantization {
	return qat.Quantization{Params: quant.Params{Scale: a.Scale}, Hi: int32(a.Most)}
}

// A network is quantized by a method of one's own: it takes a step, becomes integers,
// and runs on them.
func ExampleMethod() {
	net, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Linear{Channels: 2},
	}, layers.Config{
		Name: "own", Classes: []string{"a", "b"}, Batch: 4, Pool: graph.NewPool(1),
		Input:  layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.5, 0.5)},
		Policy: qat.Policy{Method: fixed{Top: 4}, WeightBits: 4, ActivationBits: 4, FirstLast: qat.FirstLastSame},
	})
	if err != nil {
		panic(err)
	}
	images := datasets.Split{Images: make([]uint8, 4*36), Labels: []int32{0, 1, 0, 1}}
	for i := range images.Images {
		images.Images[i] = uint8(37 * i)
	}
	if _, err := net.Step(graph.Pass{Quantize: true}, images.Images, images.Labels); err != nil {
		panic(err)
	}
	var file bytes.Buffer
	if err := export.Write(&file, net, export.About{Method: "fixed"}); err != nil {
		panic(err)
	}
	model, err := infer.FromBytes(file.Bytes())
	if err != nil {
		panic(err)
	}
	v, err := export.Verify(context.Background(), net, model, images, 1, nil)
	fmt.Println(v.Images, "images,", v.IntegerMismatches, "integers differ,", err)
	// Output: 4 images, 0 integers differ, <nil>
}
