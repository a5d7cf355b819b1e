// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

func TestQONNXAgreesAsStated(t *testing.T) {
	all, differ := 0, 0
	for name, build := range map[string]func(*rand.Rand) *qmodel.Model{"tiny": qmodeltest.Tiny, "residual": withoutTable, "wide": qmodeltest.Wide, "colors": qmodeltest.Colors, "branches": qmodeltest.Branches, "gated": qmodeltest.Gated} {
		for seed := range uint64(40) {
			rng := rand.New(rand.NewPCG(seed, 3))
			m := build(rng)
			file, statements, err := onnx.QONNX(m, onnx.Options{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n, d := agrees(t, m, file, statements, images(rng, m, 1), func(x *qmodel.Tensor, c int, code int64) float64 {
				if x.Signs {
					return float64(2*code - 1)
				}
				return float64(code) - float64(x.Zero(c))
			})
			all, differ = all+n, differ+d
		}
	}
	t.Logf("%d of %d integers differ, by one step", differ, all)
	if differ > all/100 { // the random multipliers are wide
		t.Errorf("%d of %d integers differ", differ, all)
	}
}

// withoutTable is a small model with residual sums, pools, signs of one term and all codings.
func withoutTable(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 6, 5, 2)
	one, three := qmodeltest.Square(1, 1, 0), qmodeltest.Square(3, 1, 1)
	x := b.ConvForm(0, three, 6, 1, qmodeltest.Form{WeightBits: 5, Coding: qmodel.Powers, CodeBits: 1, Signs: true})
	raw := b.ConvForm(x, one, 4, 1, qmodeltest.Form{WeightBits: 1})
	y := b.ConvForm(x, three, 4, 1, qmodeltest.Form{WeightBits: 1, Planes: 2, CodeBits: 8}, raw)
	x = b.ConvForm(b.Sign(y, 1), three, 4, 1, qmodeltest.Form{WeightBits: 2, Coding: qmodel.Split, CodeBits: 5}, y)
	x = b.AvgPool(b.MaxPool(b.Add(7, x, y), qmodeltest.Square(2, 1, 1)), qmodeltest.Square(2, 2, 0), 6)
	x = b.ConvForm(b.Flatten(x), one, 8, 1, qmodeltest.Form{WeightBits: 3, Coding: qmodel.Odd, CodeBits: 1, Signs: true})
	return b.Finish(x, 3)
}

func TestQONNXRefusesByName(t *testing.T) {
	m := qmodeltest.Binary(rand.New(rand.NewPCG(1, 3)))
	_, statements, err := onnx.QONNX(m, onnx.Options{})
	if want := "several signs"; err == nil || !strings.Contains(err.Error(), want) || len(statements) != len(m.Operators) {
		t.Errorf("%v, want %q; %d statements", err, want, len(statements))
	}
}
