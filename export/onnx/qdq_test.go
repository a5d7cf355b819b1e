// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/export/onnx/onnxtest"
	"github.com/goqat/goqat/qmodel"
)

// TestQDQAgreesAsStated feeds every operator with goqat's integers and compares what comes out with the statement.
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
				pixels := images(rng, m, 3)
				want := observed(t, m, pixels)
				stated := map[string]int{}
				for i, o := range m.Operators {
					if o.Op != qmodel.Flatten && m.Tensors[o.Output].Kind == qmodel.Codes {
						stated[m.Tensors[o.Output].Name] = i
					}
				}
				_, err = onnxtest.Feed(file, input(m, pixels), func(name string, y *onnxtest.Tensor) {
					i, ok := stated[name]
					if !ok {
						return
					}
					x := &m.Tensors[m.Operators[i].Output]
					area := x.Height * x.Width
					for k, v := range want[m.Operators[i].Output] {
						at := (k/x.Len()*x.Channels+k%x.Channels)*area + k%x.Len()/x.Channels
						d := math.Abs(y.Data[at] - float64(v))
						all++
						if d > 0 {
							differ++
						}
						if d > 0 && statements[i].Agreement == agreement.Exact || d > 1 {
							t.Fatalf("seed %d: operator %s (%s, %s) gives %v, want %d", seed, m.Operators[i].Name, m.Operators[i].Op, statements[i].Agreement, y.Data[at], v)
						}
						y.Data[at] = float64(v)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d of %d integers differ, by one step", differ, all)
			if all == 0 || differ > all/100 {
				t.Errorf("%d of %d integers differ", differ, all)
			}
		})
	}
}
