// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// images draws random images of a model, height × width × channels.
func images(rng *rand.Rand, m *qmodel.Model, n int) []uint8 {
	pixels := make([]uint8, n*m.Tensors[0].Len())
	for i := range pixels {
		pixels[i] = uint8(rng.Uint32())
	}
	return pixels
}

// input returns images as the file reads them: [N, channels, height, width].
func input(m *qmodel.Model, pixels []uint8) *onnxeval.Tensor {
	in := &m.Tensors[0]
	n, area := len(pixels)/in.Len(), in.Height*in.Width
	t := onnxeval.New(onnxproto.TypeUint8, n, in.Channels, in.Height, in.Width)
	for i := range n {
		for at := range area {
			for c := range in.Channels {
				t.Data[(i*in.Channels+c)*area+at] = float64(pixels[(i*area+at)*in.Channels+c])
			}
		}
	}
	return t
}

// observed returns every tensor that the runtime computes for the images, height × width × channels.
func observed(t *testing.T, m *qmodel.Model, pixels []uint8) [][]int64 {
	t.Helper()
	model, err := infer.New(m)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]int64, len(m.Tensors))
	n := len(pixels) / m.Tensors[0].Len()
	r, err := model.NewRunner(infer.Options{Batch: n, Observe: func(o infer.Observation) {
		for _, v := range o.Codes {
			all[o.Tensor] = append(all[o.Tensor], int64(v))
		}
		for _, v := range o.Wide {
			all[o.Tensor] = append(all[o.Tensor], int64(v))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Run(make([]int32, n*len(m.Classes)), pixels); err != nil {
		t.Fatal(err)
	}
	return all
}

// differing counts the integers of every tensor of a file that differ from the runtime's, but for flattened ones.
func differing(t *testing.T, m *qmodel.Model, file *onnxproto.Model, pixels []uint8) (compared, differ int) {
	t.Helper()
	got, err := onnxeval.Run(file, input(m, pixels))
	if err != nil {
		t.Fatal(err)
	}
	want := observed(t, m, pixels)
	n := len(pixels) / m.Tensors[0].Len()
	for _, o := range m.Operators {
		if o.Op == qmodel.Flatten {
			continue
		}
		x := &m.Tensors[o.Output]
		name := x.Name
		if x.Kind == qmodel.Logits {
			name = "logits"
		}
		y := got[name]
		if y == nil || len(y.Data) != n*x.Len() || len(want[o.Output]) != n*x.Len() {
			t.Fatalf("tensor %s is missing or of another size", name)
		}
		if x.Kind == qmodel.Logits && len(y.Dims) != 2 {
			t.Fatalf("the logits are %v, want a row for each image", y.Dims)
		}
		area := x.Height * x.Width
		for i, v := range want[o.Output] {
			image, at, c := i/x.Len(), i%x.Len()/x.Channels, i%x.Channels
			if compared++; y.Data[(image*x.Channels+c)*area+at] != float64(v) {
				if differ++; differ < 4 {
					t.Logf("%s (%s): image %d, position %d, channel %d is %v, want %d", o.Name, o.Op, image, at, c, y.Data[(image*x.Channels+c)*area+at], v)
				}
			}
		}
	}
	return compared, differ
}

var random = map[string]func(*rand.Rand) *qmodel.Model{"tiny": qmodeltest.Tiny, "wide": qmodeltest.Wide, "binary": qmodeltest.Binary, "branches": qmodeltest.Branches, "colors": qmodeltest.Colors, "gated": qmodeltest.Gated}

func TestExactComputesEveryInteger(t *testing.T) {
	for name, build := range random {
		t.Run(name, func(t *testing.T) {
			all, refused := 0, 0
			for seed := range uint64(40) {
				rng := rand.New(rand.NewPCG(seed, 1))
				m := build(rng)
				file, statements, err := onnx.Exact(m, onnx.Options{Pack: seed%2 == 1})
				if err != nil {
					refused++
					continue
				}
				if len(statements) != len(m.Operators) {
					t.Fatalf("%d statements for %d operators", len(statements), len(m.Operators))
				}
				compared, differ := differing(t, m, file, images(rng, m, 3))
				if all += compared; differ > 0 {
					t.Fatalf("seed %d: %d of %d integers differ", seed, differ, compared)
				}
			}
			t.Logf("%d integers, %d models refused", all, refused)
			if refused > 20 {
				t.Errorf("%d of 40 models refused", refused)
			}
		})
	}
}

func TestExactIsDeterministic(t *testing.T) {
	first, _, err := onnx.Exact(qmodeltest.Binary(rand.New(rand.NewPCG(3, 1))), onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := onnx.Exact(qmodeltest.Binary(rand.New(rand.NewPCG(3, 1))), onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Marshal(), again.Marshal()) {
		t.Error("two files of one model differ")
	}
}
