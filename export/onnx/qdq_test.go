// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// agrees feeds every operator of a file with goqat's integers and compares the codes that come out with what is stated:
// never more than a step apart, and equal where they are said to be exact. real says what a code of a channel is in the file.
func agrees(t *testing.T, m *qmodel.Model, file *onnxproto.Model, statements []agreement.Statement, pixels []uint8, real func(x *qmodel.Tensor, c int, code int64) float64) (compared, differ int) {
	t.Helper()
	want := observed(t, m, pixels)
	operators := map[string]int{} // by their outputs
	for i, o := range m.Operators {
		if o.Op != qmodel.Flatten && m.Tensors[o.Output].Kind == qmodel.Codes {
			operators[m.Tensors[o.Output].Name] = i
		}
	}
	_, err := onnxeval.Feed(file, input(m, pixels), func(name string, y *onnxeval.Tensor) {
		i, ok := operators[name]
		if !ok {
			return
		}
		delete(operators, name)
		o := &m.Operators[i]
		x := &m.Tensors[o.Output]
		area := x.Height * x.Width
		for k, code := range want[o.Output] {
			at := (k/x.Len()*x.Channels+k%x.Channels)*area + k%x.Len()/x.Channels
			c := k % x.Channels
			v := real(x, c, code)
			step := real(x, c, 1) - real(x, c, 0)
			d := math.Abs(y.Data[at]-v) / step
			compared++
			if d > 0 {
				differ++
			}
			if d > 0 && statements[i].Agreement == agreement.Exact || d > 1 {
				t.Fatalf("operator %s (%s, %s) gives %v, want %v", o.Name, o.Op, statements[i].Agreement, y.Data[at], v)
			}
			y.Data[at] = v
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(operators) > 0 {
		t.Fatalf("tensors are missing: %v", operators)
	}
	return compared, differ
}

func TestQDQAgreesAsStated(t *testing.T) {
	for name, build := range random {
		t.Run(name, func(t *testing.T) {
			all, differ := 0, 0
			for seed := range uint64(40) {
				rng := rand.New(rand.NewPCG(seed, 2))
				m := build(rng)
				options := onnx.Options{Pack: seed%2 == 1}
				if seed%4 > 1 {
					options.Bias = onnx.Int32Bias
				}
				file, statements, err := onnx.QDQ(m, options)
				if err != nil {
					continue
				}
				n, d := agrees(t, m, file, statements, images(rng, m, 3), func(_ *qmodel.Tensor, _ int, code int64) float64 { return float64(code) })
				all, differ = all+n, differ+d
			}
			t.Logf("%d of %d integers differ, by one step", differ, all)
			if all == 0 || differ > all/100 {
				t.Errorf("%d of %d integers differ", differ, all)
			}
		})
	}
}

// A mean that counts its padding is no AveragePool of dequantized codes, which OpenVINO computes with code 0 as padding.
func TestQDQCountsPaddingItself(t *testing.T) {
	counted := 0
	for seed := range uint64(10) {
		m := qmodeltest.Branches(rand.New(rand.NewPCG(seed, 2)))
		file, _, err := onnx.QDQ(m, onnx.Options{})
		if err != nil {
			continue
		}
		for i := range file.Graph.Nodes {
			n := &file.Graph.Nodes[i]
			if n.Op == "AveragePool" && n.Int("count_include_pad", 0) != 0 {
				t.Errorf("seed %d: %s counts its padding", seed, n.Name)
			}
		}
		for _, o := range m.Operators {
			if o.CountPad {
				counted++
			}
		}
	}
	if counted == 0 {
		t.Error("no model counts its padding")
	}
}

// Weights that runtimes add in pairs of 16 bits are INT8 only where no pair saturates.
func TestQDQWeightsDoNotSaturate(t *testing.T) {
	for name, build := range random {
		m := build(rand.New(rand.NewPCG(5, 2)))
		file, _, err := onnx.QDQ(m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range file.Graph.Initializers {
			most := 0
			for _, b := range w.Data {
				v := int(int8(b))
				most = max(most, v, -v)
			}
			if w.Type == onnxproto.TypeInt8 && len(w.Dims) > 1 && most > 64 { // at most 255 · 64 · 2 is below 2^15
				for i := range m.Operators {
					o := &m.Operators[i]
					if x := &m.Tensors[o.Inputs[0]]; o.Weighted() && w.Name == o.Name+".weight" && 2*int(x.Max())*most > math.MaxInt16 {
						if _, hi := x.Span(); 2*int(hi)*most > math.MaxInt16 {
							t.Errorf("%s: %s has weights up to %d over codes up to %d", name, w.Name, most, hi)
						}
					}
				}
			}
		}
	}
}
