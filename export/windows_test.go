// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// windows are layers of every kind of window, for images of any height.
func windows(height int) layers.Chain {
	tall := min(3, height)
	conv := func(w geometry.Window, same bool) layers.Conv2D {
		return layers.Conv2D{Channels: 8, Window: w, Same: same, Activation: network.ReLU}
	}
	return layers.Chain{
		conv(geometry.Window{Kernel: [2]int{tall, 5}, Stride: [2]int{1, 2}}, true),
		conv(geometry.Window{Kernel: [2]int{1, 4}, Pad: [4]int{0, 3, 0, 1}}, false),
		layers.MaxPool{Window: geometry.Window{Kernel: [2]int{tall, 2}, Stride: [2]int{1, 1}}, Same: true},
		layers.Conv2D{Window: geometry.Window{Kernel: [2]int{tall, 2}, Pad: [4]int{tall - 1, 1, 0, 0}}, Depthwise: true, Activation: network.ReLU},
		conv(geometry.Window{Kernel: [2]int{tall, 3}, Dilation: [2]int{2, 3}}, true),
		layers.Conv2D{Window: geometry.Window{Kernel: [2]int{1, 3}, Stride: [2]int{1, 2}, Dilation: [2]int{1, 2}, Pad: [4]int{0, 1, 0, 3}}, Depthwise: true, Activation: network.ReLU6},
		layers.AvgPool{Window: geometry.Window{Kernel: [2]int{tall, 3}, Stride: [2]int{1, 1}}, Same: true},
		layers.AvgPool{Window: geometry.Window{Kernel: [2]int{tall, 2}, Stride: [2]int{1, 2}, Pad: [4]int{tall - 1, 1, 0, 0}}, CountPad: true},
		conv(geometry.Window{Kernel: [2]int{tall, 3}, Stride: [2]int{min(2, tall), 3}, Pad: [4]int{tall - 1, 0, tall - 1, 2}, Groups: 2}, false),
		layers.Linear{Channels: 3},
	}
}

// TestWindows exports rectangular, dilated, asymmetric and "same" windows, and padded
// averages, on images that are
// not square, at 8, 4 and 1 bits: in every set of kernels every integer equals the
// training graph's.
func TestWindows(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for _, size := range [][2]int{{29, 45}, {1, 128}} {
		for _, q := range []struct {
			method    qat.Method
			bits      int
			firstLast qat.FirstLast
		}{{qat.Int{}, 8, qat.FirstLast8}, {qat.PACT{}, 4, qat.FirstLastSame}, {qat.DoReFa{}, 1, qat.FirstLastSame}, {qat.BNN{}, 1, qat.FirstLast8}, {qat.ABC{}, 2, qat.FirstLast8}} {
			t.Run(fmt.Sprintf("%dx%d/%s%d", size[0], size[1], q.method.Info().Name, q.bits), func(t *testing.T) {
				n, err := layers.Build(windows(size[0]), layers.Config{
					Name: "windows", Classes: []string{"a", "b", "c"}, Batch: 4, Seed: 3, Pool: pool,
					Input:  layers.Input{Height: size[0], Width: size[1], Channels: 3, Params: layers.Normalized(0.4, 0.3)},
					Policy: qat.Policy{Method: q.method, WeightBits: q.bits, ActivationBits: q.bits, FirstLast: q.firstLast},
				})
				if err != nil {
					t.Fatal(err)
				}
				g := &generator{Rand: rand.New(rand.NewPCG(1, 1)), seen: map[string]bool{}}
				images := g.images(n, 5)
				g.calibrate(t, n, images)
				checkKernels(t, n, images)
			})
		}
	}
}

// checkKernels verifies the network, and that every set of kernels computes the same
// tensors.
func checkKernels(t *testing.T, n *layers.Network, images datasets.Split) {
	t.Helper()
	var file bytes.Buffer
	if err := export.Write(&file, n, export.About{Method: "test"}); err != nil {
		t.Fatal(err)
	}
	m, err := infer.FromBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	v, err := export.Verify(t.Context(), n, m, images, 2, nil)
	if err != nil || v.IntegerMismatches != 0 {
		t.Fatalf("%d integers differ, error %v", v.IntegerMismatches, err)
	}
	want := tensorsOf(t, m, "", images)
	for _, set := range infer.Kernels() {
		got := tensorsOf(t, m, set, images)
		for name := range want {
			if !slices.Equal(got[name].codes, want[name].codes) || !slices.Equal(got[name].wide, want[name].wide) {
				t.Errorf("kernels %s: tensor %s differs", set, name)
			}
		}
	}
}

type tensor struct {
	codes []uint8
	wide  []int32
}

// tensorsOf returns what a set of kernels computes, by name.
func tensorsOf(t *testing.T, m *infer.Model, set string, images datasets.Split) map[string]tensor {
	t.Helper()
	tensors := map[string]tensor{}
	r, err := m.NewRunner(infer.Options{Batch: images.Len(), Kernel: set, Observe: func(o infer.Observation) {
		tensors[o.Name] = tensor{slices.Clone(o.Codes), slices.Clone(o.Wide)}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Run(make([]int32, images.Len()*len(m.Classes())), images.Images); err != nil {
		t.Fatal(err)
	}
	return tensors
}
