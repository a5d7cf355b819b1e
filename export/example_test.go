// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// A network becomes a model, and every integer of the model's runtime is compared with
// the network.
func ExampleVerify() {
	net, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Residual{Body: layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1}, Activation: network.ReLU},
		layers.GlobalAvgPool{},
		layers.Linear{Channels: 2},
	}, layers.Config{
		Name: "small", Classes: []string{"dark", "light"}, Batch: 4, Pool: graph.NewPool(1),
		Input:  layers.Input{Height: 8, Width: 8, Channels: 1, Params: layers.Normalized(0.5, 0.25)},
		Policy: qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4},
	})
	if err != nil {
		log.Fatal(err)
	}
	images := datasets.Split{Images: make([]uint8, 4*64), Labels: []int32{0, 1, 0, 1}}
	for i := range images.Images {
		images.Images[i] = uint8(64*(i/64) + i%64)
	}
	// A step shows the quantizers the ranges of tensors. A training has many.
	if _, err := net.Step(graph.Pass{Observe: true}, images.Images, images.Labels); err != nil {
		log.Fatal(err)
	}

	var file bytes.Buffer
	if err := export.Write(&file, net, export.About{Method: "int"}); err != nil {
		log.Fatal(err)
	}
	model, err := infer.FromBytes(file.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	v, err := export.Verify(context.Background(), net, model, images, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d images, %d tensors each: %d integers differ\n", v.Images, v.Tensors, v.IntegerMismatches)
	// Output:
	// 4 images, 4 tensors each: 0 integers differ
}
