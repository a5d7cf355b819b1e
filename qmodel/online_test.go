// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

func ranged() *qmodel.Model { return qmodeltest.Ranged(rand.New(rand.NewPCG(1, 2))) }

// TestOnlineFile comes back equal from a file of version 6.
func TestOnlineFile(t *testing.T) {
	for seed := range uint64(20) {
		m := qmodeltest.Ranged(rand.New(rand.NewPCG(seed, 3)))
		got, err := read(write(t, m))
		if err != nil || m.Version != 6 || !reflect.DeepEqual(got, m) {
			t.Fatalf("seed %d: version %d, error %v, read\n%+v\nwant\n%+v", seed, m.Version, err, got, m)
		}
	}
}

// TestOnlineRefuses changes a model whose operators 0 and 1 are a convolution and its online range, and 4 leaves
// accumulators of the codes of 1.
func TestOnlineRefuses(t *testing.T) {
	type M = qmodel.Model
	for want, change := range map[string]func(m *M, values, codes *qmodel.Tensor){
		"part of version 6":                                 func(m *M, _, _ *qmodel.Tensor) { m.Version = 5 },
		"the input are no values":                           func(m *M, _, _ *qmodel.Tensor) { m.Operators[1].Inputs[0] = 0; m.Operators[2].Inputs[0] = 1 },
		"has signs or a range":                              func(_ *M, _, c *qmodel.Tensor) { c.Range = [2]int32{0, 255}; c.ZeroPoint = 0 },
		"the codes 0x":                                      func(_ *M, v, _ *qmodel.Tensor) { v.ScaleBits++ },
		"of values, want 0 in it":                           func(_ *M, v, _ *qmodel.Tensor) { v.Range = [2]int32{1, 2} },
		"and nothing below -2147483647":                     func(_ *M, v, _ *qmodel.Tensor) { v.Range = [2]int32{-1 << 31, 2} },
		"of 31 bits with zero point 0":                      func(_ *M, v, _ *qmodel.Tensor) { v.Bits = 31 },
		"values become 6×5×32 codes":                        func(_ *M, _, c *qmodel.Tensor) { c.Channels = 32 },
		"its terms have [":                                  func(m *M, _, _ *qmodel.Tensor) { m.Operators[2].Requantizer.Divisors = nil },
		"values, of which only an online range makes codes": func(m *M, _, _ *qmodel.Tensor) { m.Operators[5].Inputs[2] = m.Operators[0].Output },
		"beside a term with steps by image":                 func(m *M, _, _ *qmodel.Tensor) { m.Operators[2].Requantizer.AccBias[3] = 1 },
		"the sum before the shift can reach 2^62": func(m *M, _, _ *qmodel.Tensor) {
			m.Operators[2].Requantizer.M[0][0] = 1<<62 - 1
		},
	} {
		m := ranged()
		change(m, &m.Tensors[m.Operators[0].Output], &m.Tensors[m.Operators[1].Output])
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestOnlineConsumers refuses operators that cannot take a step for each image.
func TestOnlineConsumers(t *testing.T) {
	for name, change := range map[string]func(m *qmodel.Model, o *qmodel.Operator, out *qmodel.Tensor){
		"table": func(_ *qmodel.Model, o *qmodel.Operator, _ *qmodel.Tensor) {
			o.Op, o.Table, o.Requantizer = qmodel.Table, make([]uint8, 256), nil
			o.Weights, o.Groups, o.Method, o.Kernel, o.Stride, o.Pad = nil, 0, "", [2]int{}, [2]int{}, [4]int{}
		},
		"signs": func(m *qmodel.Model, o *qmodel.Operator, out *qmodel.Tensor) {
			out.Signs, out.ZeroPoint, out.Kind, out.Bits, out.Range = true, 0, qmodel.Codes, 1, [2]int32{}
		},
	} {
		m := ranged()
		o := &m.Operators[2]
		change(m, o, &m.Tensors[o.Output])
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), "has a step for each image, which it cannot take") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
