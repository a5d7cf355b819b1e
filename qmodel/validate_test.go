// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// Operators of the tiny model.
const (
	opTable = iota
	opConv
	opDepthwise
	opRaw
	opResidual
	opAdd
	opMaxPool
	opAvgPool
	opFlatten
	opLinear
)

func TestValidateRefuses(t *testing.T) {
	type M = qmodel.Model
	for _, c := range []struct {
		name  string
		spoil func(m *M)
		want  string
	}{
		{"version", func(m *M) { m.Version = qmodel.Version + 1 }, fmt.Sprint("version ", qmodel.Version+1)},
		{"version 0", func(m *M) { m.Version = 0 }, "version 0"},
		{"data in version 1", func(m *M) { m.Version, m.Data.Seed = 1, 1 }, "in version 1"},
		{"digest of data", func(m *M) { m.Data.Digest = strings.Repeat("A", 64) }, "64 lower-case hex digits"},
		{"image channels", func(m *M) { m.Input.ZeroPoints, m.Input.ScaleBits = make([]int32, 5), make([]uint32, 5) }, "5 zero points and 5 scales"},
		{"image scales", func(m *M) { m.Input.ScaleBits = nil }, "1 zero points and 0 scales"},
		{"no operators", func(m *M) { m.Operators = nil }, "0 operators"},
		{"tensor without operator", func(m *M) { m.Tensors = append(m.Tensors, m.Tensors[1]) }, "tensors for"},
		{"classes", func(m *M) { m.Classes = nil }, "0 classes"},
		{"one class", func(m *M) { m.Classes = m.Classes[:1] }, "for 1 classes"},
		{"class name", func(m *M) { m.Classes[0] = "\xff" }, "not UTF-8"},
		{"tensor name", func(m *M) { m.Tensors[1].Name = m.Tensors[2].Name }, "there twice"},
		{"operator name", func(m *M) { m.Operators[1].Name = "" }, "is empty"},
		{"method", func(m *M) { m.Operators[1].Method = strings.Repeat("x", 300) }, "longer than"},
		{"zero size", func(m *M) { m.Tensors[1].Height = 0 }, "tensor 1"},
		{"large size", func(m *M) { m.Tensors[1].Width = 1 << 30 }, "tensor 1"},
		{"large tensor", func(m *M) { m.Tensors[1].Width, m.Tensors[1].Height = 1<<16, 1<<16 }, "is larger than"},
		{"bits", func(m *M) { m.Tensors[1].Bits = 9 }, "codes of 9 bits"},
		{"bits shift", func(m *M) { m.Tensors[1].Bits = -1 }, "codes of -1 bits"},
		{"zero point", func(m *M) { m.Tensors[2].ZeroPoint = 16 }, "zero point 16"},
		{"negative zero point", func(m *M) { m.Tensors[2].ZeroPoint = -1 }, "zero point -1"},
		{"kind", func(m *M) { m.Tensors[1].Kind = 3 }, "kind 3"},
		{"scale 0", func(m *M) { m.Tensors[1].ScaleBits = 0 }, "the scale"},
		{"infinite scale", func(m *M) { m.Tensors[1].ScaleBits = 0x7f800000 }, "the scale"},
		{"negative scale", func(m *M) { m.Tensors[1].ScaleBits = 0xbf800000 }, "the scale"},
		{"scale of accumulators", func(m *M) { m.Tensors[4].ScaleBits = 1 }, "accumulators with the scale"},
		{"input", func(m *M) { m.Input.ScaleBits[0]++ }, "differs from tensor 0"},
		{"image bits", func(m *M) { m.Tensors[0].Bits, m.Tensors[0].ZeroPoint, m.Input.ZeroPoints[0] = 7, 0, 0 }, "not an image"},
		{"no inputs", func(m *M) { m.Operators[1].Inputs = nil }, "0 inputs"},
		{"input index", func(m *M) { m.Operators[1].Inputs = []int{99} }, "tensor 99"},
		{"negative index", func(m *M) { m.Operators[1].Inputs = []int{-1} }, "tensor -1"},
		{"cycle", func(m *M) { m.Operators[1].Inputs = []int{2} }, "not made by an operator before"},
		{"order", func(m *M) { m.Operators[0], m.Operators[1] = m.Operators[1], m.Operators[0] }, "not made"},
		{"output index", func(m *M) { m.Operators[1].Output = 99 }, "tensor 99"},
		{"made twice", func(m *M) { m.Operators[1].Output = 1 }, "made twice"},
		{"image made", func(m *M) { m.Operators[0].Output = 0 }, "made twice"},
		{"unused", func(m *M) { m.Operators[opAdd].Inputs = []int{2, 2} }, "not used"},
		{"logits within", func(m *M) { m.Tensors[2].Kind, m.Tensors[2].Bits, m.Tensors[2].ZeroPoint = qmodel.Logits, 32, 0 }, "the logits"},
		{"no logits", func(m *M) { m.Tensors[10].Kind, m.Tensors[10].Bits = qmodel.Codes, 8 }, "the logits"},

		{"unknown operator", func(m *M) { m.Operators[opConv].Op = "conv3d" }, "unknown operator"},
		{"no weights", func(m *M) { m.Operators[opConv].Weights = nil }, "weights are missing"},
		{"weights in a pool", func(m *M) { m.Operators[opMaxPool].Weights = m.Operators[opConv].Weights }, "without use"},
		{"groups in a pool", func(m *M) { m.Operators[opMaxPool].Groups = 1 }, "1 groups"},
		{"kernel in add", func(m *M) { m.Operators[opAdd].Kernel = [2]int{1, 1} }, "without use"},
		{"padded average in version 2", func(m *M) { m.Operators[opAvgPool].Pad[0] = 1 }, "part of version 3"},
		{"dilation in version 2", func(m *M) { m.Operators[opConv].Dilation = [2]int{2, 2} }, "part of version 3"},
		{"rule of resizing in version 2", func(m *M) { m.Data.Resize = "crop" }, "part of version 3"},
		{"unknown rule of resizing", func(m *M) { m.Version, m.Data.Resize = 3, "stretch" }, "want crop, pad or none"},
		{"dilation of 1", func(m *M) { m.Version, m.Operators[opConv].Dilation = 3, [2]int{1, 1} }, "none said for 1"},
		{"dilation below 1", func(m *M) { m.Version, m.Operators[opConv].Dilation = 3, [2]int{2, 0} }, "dilation [2 0]"},
		{"dilation of a pool", func(m *M) { m.Version, m.Operators[opMaxPool].Dilation = 3, [2]int{2, 2} }, "dilation [2 2]"},
		{"dilation beyond the image", func(m *M) { m.Version, m.Operators[opConv].Dilation = 3, [2]int{1 << 16, 1} }, "do not give"},
		{"padding counts without padding", func(m *M) { m.Operators[opAvgPool].CountPad = true }, "padding counts, without use"},
		{"padding counts in a maximum", func(m *M) { m.Operators[opMaxPool].CountPad = true }, "padding counts, without use"},
		{"tables without use", func(m *M) { m.Operators[opAdd].Tables = [][]uint8{nil, nil} }, "tables without use"},
		{"no table", func(m *M) { m.Operators[opTable].Table = nil }, "table is missing"},
		{"add of one", func(m *M) { m.Operators[opAdd].Inputs = []int{5} }, "part of version 4"},
		{"pool of two", func(m *M) { m.Operators[opMaxPool].Inputs = []int{6, 6} }, "2 inputs"},
		{"convolution of accumulators", func(m *M) { m.Operators[opResidual].Inputs = []int{4, 3, 2} }, "not a tensor of codes"},
		{"padding", func(m *M) {
			o := &m.Operators[opMaxPool]
			o.Kernel, o.Pad = [2]int{1 << 13, 1 << 13}, [4]int{1 << 12, 1 << 12, 1 << 12, 1 << 12}
		}, "makes 268796024 numbers"},
		{"stride 0", func(m *M) { m.Operators[opConv].Stride[1] = 0 }, "at least 1"},
		{"kernel 0", func(m *M) { m.Operators[opConv].Kernel[0] = 0 }, "at least 1"},
		{"padding", func(m *M) { m.Operators[opConv].Pad[1] = 2 }, "less than the kernel"},
		{"negative padding", func(m *M) { m.Operators[opConv].Pad[3] = -1 }, "less than the kernel"},
		{"output size", func(m *M) { m.Operators[opConv].Pad[1] = 1 }, "do not give"},
		{"kernel too large", func(m *M) { m.Operators[opMaxPool].Kernel[0] = 1 << 15 }, "do not give"},
		{"pool channels", func(m *M) { m.Tensors[8].Channels = 5 }, "4 channels become 5"},
		{"groups", func(m *M) { m.Operators[opConv].Groups = 3 }, "3 groups"},
		{"depthwise", func(m *M) { m.Operators[opDepthwise].Groups = 2 }, "want the same of each"},
		{"linear", func(m *M) { m.Operators[opConv].Op = qmodel.Linear }, "want 1 of each"},
		{"weight shape", func(m *M) { m.Operators[opConv].Weights.Shape[3] = 2 }, "weights of shape"},
		{"weight count", func(m *M) { w := m.Operators[opConv].Weights; w.Packed = w.Packed[1:] }, "23 bytes for 24 codes"},
		{"weight bits", func(m *M) { m.Operators[opConv].Weights.Bits = 9 }, "weights of 9 bits"},
		{"weight code", func(m *M) { m.Operators[opDepthwise].Weights.Packed[3] = 0x80 }, "weight 7 is -8"},
		{"weight -128", func(m *M) { m.Operators[opConv].Weights.Packed[0] = 0x80 }, "weight 0 is -128"},
		{"table length", func(m *M) { m.Operators[opTable].Table = make([]uint8, 255) }, "255 codes for an input of 8 bits"},
		{"table code", func(m *M) { m.Tensors[1].Bits = 1; m.Tensors[1].ZeroPoint = 0 }, "bits do not hold"},
		{"pool bits", func(m *M) { m.Tensors[7].Bits, m.Tensors[7].ZeroPoint = 8, m.Tensors[6].ZeroPoint }, "other bits"},
		{"flatten scale", func(m *M) { m.Tensors[9].ScaleBits++ }, "other bits"},
		{"flatten size", func(m *M) { m.Tensors[9].Channels++ }, "want 1×1×36"},
		{"idle requantizer", func(m *M) { m.Operators[opMaxPool].Requantizer = m.Operators[opAdd].Requantizer }, "does not use"},
		{"requantized accumulators", func(m *M) { m.Operators[opRaw].Requantizer = m.Operators[opAdd].Requantizer }, "does not use"},
		{"accumulators of two", func(m *M) { m.Operators[opRaw].Inputs = []int{2, 2} }, "only a weighted operator of one input"},
		{"no requantizer", func(m *M) { m.Operators[opAdd].Requantizer = nil }, "no requantizer"},
		{"range", func(m *M) { m.Operators[opConv].Requantizer.Hi = 255 }, "range [0, 255]"},
		{"requantizer zero", func(m *M) { r := m.Operators[opConv].Requantizer; r.Zero = 15 - r.Zero }, "zero point"},
		{"logit range", func(m *M) { m.Operators[opLinear].Requantizer.Lo = 0 }, "range [0,"},
		{"channels", func(m *M) { r := m.Operators[opConv].Requantizer; r.Shift = r.Shift[1:] }, "3 channels"},
		{"multipliers", func(m *M) { r := m.Operators[opConv].Requantizer; r.M[0] = r.M[0][1:] }, "3 multipliers"},
		{"terms", func(m *M) { r := m.Operators[opResidual].Requantizer; r.M = r.M[1:] }, "2 terms"},
		{"shift", func(m *M) { m.Operators[opConv].Requantizer.Shift[2] = 63 }, "channel 2: shift 63"},
		{"sum", func(m *M) { m.Operators[opConv].Requantizer.M[0][2] = 1 << 61 }, "channel 2: the sum"},
		{"accumulator", func(m *M) { m.Operators[opConv].Requantizer.AccBias[1] = 1<<31 - 1 }, "channel 1: accumulator"},
	} {
		m := tiny()
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		c.spoil(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestValidateRefusesShapeOfAddends(t *testing.T) {
	b := qmodeltest.New(rand.New(rand.NewPCG(1, 1)), 4, 4, 2)
	x := b.Conv(0, qmodeltest.Square(1, 1, 0), 2, 1, 8, 8)
	m := b.Finish(b.Add(8, x, 0), 2)
	m.Tensors[0].Height, m.Tensors[0].Width, m.Input.Height, m.Input.Width = 2, 8, 2, 8
	if err := m.Validate(); err == nil {
		t.Error("2×8 is added to 4×4")
	}
}

// TestValidateRefusesWideAccumulators has accumulators that int32 does not hold, raw and requantized.
func TestValidateRefusesWideAccumulators(t *testing.T) {
	const channels = 1 << 16
	for _, codeBits := range []int{0, 8} {
		b := qmodeltest.New(rand.New(rand.NewPCG(1, 1)), 1, 1, channels)
		b.Model.Tensors[0].ZeroPoint, b.Model.Input.ZeroPoints[0] = 0, 0
		raw := b.Conv(0, qmodeltest.Square(1, 1, 0), 1, 1, 8, codeBits)
		m := b.Finish(b.Add(8, raw, raw), 2)
		for i := range m.Operators[0].Weights.Packed {
			m.Operators[0].Weights.Packed[i] = 127
		}
		if r := m.Operators[0].Requantizer; r != nil {
			r.AccBias[0] = 0
		}
		if err := m.Validate(); err != nil { // 255·127·65536 is below 2^31
			t.Fatal(err)
		}
		o := &m.Operators[0]
		m.Tensors[0].Height, m.Input.Height, o.Op, o.Kernel[0], o.Weights.Shape[1] = 2, 2, qmodel.Conv2D, 2, 2
		o.Weights.Packed = append(o.Weights.Packed, o.Weights.Packed...)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), "accumulator") {
			t.Errorf("error %v", err)
		}
	}
}

func TestInspection(t *testing.T) {
	m := tiny()
	macs := []int64{0, 30 * 4 * 6, 30 * 4 * 9, 30 * 4 * 4, 30 * 4 * 4, 0, 0, 0, 0, 36 * 3}
	for i, want := range macs {
		if got := m.MACs(i); got != want {
			t.Errorf("operator %d: %d MACs, want %d", i, got, want)
		}
		bits := m.AccumulatorBits(i)
		if (bits > 0) != (want > 0 || i == opAvgPool) || bits > 32 {
			t.Errorf("operator %d: %d accumulator bits", i, bits)
		}
	}
	// 4 codes of 4 bits: at zero point 0, the worst sum of 4 such is 60.
	m.Tensors[7].ZeroPoint, m.Tensors[7].Bits = 0, 4
	if bits := m.AccumulatorBits(opAvgPool); bits != 7 {
		t.Errorf("sum of 60 in %d bits, want 7", bits)
	}
}

// TestManySmallSumsAreNotLittleWork has layers of one channel and one weight, whose outputs take longer than their sums.
func TestManySmallSumsAreNotLittleWork(t *testing.T) {
	b := qmodeltest.New(rand.New(rand.NewPCG(1, 1)), 64, 64, 1)
	x := 0
	for range 10 {
		x = b.Conv(x, qmodeltest.Square(1, 1, 0), 1, 1, 8, 8)
	}
	m := b.Finish(b.AvgPool(x, qmodeltest.Square(64, 1, 0), 8), 2)
	if sums := int64(64 * 64 * 11); m.Work() < 20*sums {
		t.Errorf("work of %d, of which sums are %d", m.Work(), sums)
	}
}
