// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// Operators of the binary model.
const (
	binPowers = iota
	binPool
	binRaw
	binPlanes
	binPlanesOfPlanes
	binSign
	binSplit
	binDepthwise
	binFlatten
	binOdd
	binLinear
)

func binaryModel() *qmodel.Model { return qmodeltest.Binary(rand.New(rand.NewPCG(1, 3))) }

func TestBinaryRoundTrip(t *testing.T) {
	for seed := range uint64(50) {
		m := qmodeltest.Binary(rand.New(rand.NewPCG(seed, 3)))
		got, err := read(write(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, got) {
			t.Fatalf("wrote %+v, read %+v", m, got)
		}
	}
}

func TestValues(t *testing.T) {
	shape := [4]int{1, 1, 1, 3}
	for _, c := range []struct {
		w     qmodel.Weights
		codes []int8
		want  [][]int16
	}{
		{qmodel.Weights{Bits: 8}, []int8{-127, 0, 127}, [][]int16{{-127, 0, 127}}},
		{qmodel.Weights{Bits: 8, Coding: qmodel.Odd}, []int8{-128, 0, 127}, [][]int16{{-255, 1, 255}}},
		{qmodel.Weights{Bits: 5, Coding: qmodel.Powers}, []int8{-8, 1, 8}, [][]int16{{-128, 1, 128}}},
		{qmodel.Weights{Bits: 3, Coding: qmodel.Powers}, []int8{-2, 0, 2}, [][]int16{{-2, 0, 2}}},
		{qmodel.Weights{Bits: 2, Coding: qmodel.Split}, []int8{-1, 0, 1}, [][]int16{{0, 0, 1}, {-1, 0, 0}}},
		{qmodel.Weights{Bits: 1, Planes: 2}, []int8{-1, 1, 1, 1, -1, 1}, [][]int16{{-1, 1, 1}, {1, -1, 1}}},
	} {
		c.w.Shape = shape
		if err := c.w.Pack(c.codes); err != nil {
			t.Fatal(err)
		}
		if got := c.w.Codes(); !slices.Equal(got, c.codes) {
			t.Errorf("%+v: codes %d, want %d", c.w, got, c.codes)
		}
		if c.w.Sets() != len(c.want) {
			t.Errorf("%+v has %d sets, want %d", c.w, c.w.Sets(), len(c.want))
		}
		for k, want := range c.want {
			if got := c.w.Values(k); !slices.Equal(got, want) {
				t.Errorf("%+v: set %d is %d, want %d", c.w, k, got, want)
			}
		}
	}
}

// TestBounds compares bounds, which come from packed codes where channels fill bytes, with those of the values.
func TestBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for bits := 1; bits <= 8; bits++ {
		for _, w := range []qmodel.Weights{
			{Bits: bits}, {Bits: bits, Coding: qmodel.Odd}, {Bits: bits, Coding: qmodel.Powers}, {Bits: bits, Coding: qmodel.Split}, {Bits: bits, Planes: 3},
			{Bits: bits, Packing: qmodel.Dense}, {Bits: bits, Coding: qmodel.Odd, Packing: qmodel.Dense}, {Bits: bits, Coding: qmodel.Split, Packing: qmodel.Dense},
		} {
			for each := 1; each <= 17; each++ {
				w.Shape = [4]int{5, 1, 1, each}
				codes := make([]int8, w.Len())
				half := 1 << (bits - 1)
				for i := range codes {
					switch {
					case w.Coding == qmodel.Odd:
						codes[i] = int8(rng.IntN(2*half) - half)
					case w.Coding == qmodel.Powers:
						codes[i] = int8(rng.IntN(half+1) - half/2)
					case bits == 1:
						codes[i] = int8(2*rng.IntN(2) - 1)
					default:
						codes[i] = int8(rng.IntN(2*half-1) - half + 1)
					}
				}
				if w.Pack(codes) != nil { // no such coding or packing
					continue
				}
				lo, hi := -rng.Int32N(256), rng.Int32N(256)
				for k := range w.Sets() {
					values := w.Values(k)
					for c, got := range w.Bounds(k, lo, hi) {
						if want := fixed.DotBound(values[c*each:(c+1)*each], lo, hi); got != want {
							t.Errorf("%+v: bound of channel %d of set %d is %d, want %d", w, c, k, got, want)
						}
					}
				}
			}
		}
	}
}

func TestPackRefuses(t *testing.T) {
	for _, c := range []struct {
		w     qmodel.Weights
		codes []int8
		want  string
	}{
		{qmodel.Weights{Bits: 1}, []int8{1, 0}, "weight 1 is 0"},
		{qmodel.Weights{Bits: 1}, []int8{3, 1}, "weight 0 is 3"},
		{qmodel.Weights{Bits: 2}, []int8{1, -2}, "weight 1 is -2"},
		{qmodel.Weights{Bits: 4}, []int8{8, 0}, "weight 0 is 8"},
		{qmodel.Weights{Bits: 8}, []int8{0, -128}, "weight 1 is -128"},
		{qmodel.Weights{Bits: 3, Coding: qmodel.Odd}, []int8{-4, 4}, "weight 1 is 4"},
		{qmodel.Weights{Bits: 3, Coding: qmodel.Powers}, []int8{2, -3}, "weight 1 is -3"},
		{qmodel.Weights{Bits: 4}, []int8{1}, "1 codes"},
		{qmodel.Weights{Bits: 9}, []int8{1, 1}, "9 bits"},
		{qmodel.Weights{Bits: 3, Packing: qmodel.Dense}, []int8{0, -4}, "weight 1 is -4"},
		{qmodel.Weights{Bits: 1, Packing: qmodel.Dense}, []int8{1, 1}, "dense packing of 1 bits"},
		{qmodel.Weights{Bits: 2, Coding: qmodel.Odd, Packing: qmodel.Dense}, []int8{1, 1}, "dense packing of 2 bits"},
		{qmodel.Weights{Bits: 4, Packing: qmodel.Dense}, []int8{1, 1}, "dense packing of 4 bits"},
		{qmodel.Weights{Bits: 8, Packing: qmodel.Dense}, []int8{1, 1}, "dense packing of 8 bits"},
		{qmodel.Weights{Bits: 3, Packing: "loose"}, []int8{1, 1}, `unknown packing "loose"`},
	} {
		c.w.Shape = [4]int{1, 1, 1, 2}
		if err := c.w.Pack(c.codes); err == nil || !strings.Contains(err.Error(), c.want) || c.w.Packed != nil {
			t.Errorf("%+v, %d: error %v, want one with %q", c.w, c.codes, err, c.want)
		}
	}
}

// TestBinaryWeightsAreStoredInOneBitEach counts the bytes of planes.
func TestBinaryWeightsAreStoredInOneBitEach(t *testing.T) {
	m := binaryModel()
	o := &m.Operators[binPlanes]
	channels := o.Thresholds.Channels()
	n := o.Weights.Planes * o.Weights.Shape[0] * 9 * o.Weights.Shape[3] / 8
	if got, want := m.PayloadBytes(binPlanes), n+3*4*channels+3*4*channels; got != want { // 3 terms, 3 thresholds
		t.Errorf("%d bytes, want %d", got, want)
	}
	if got, want := m.MACs(binPlanes), int64(m.Tensors[o.Output].Len()*9*o.Weights.Shape[3]); got != want {
		t.Errorf("%d multiply-accumulates, want %d", got, want)
	}
	if got := m.Accumulators(&m.Operators[binPlanesOfPlanes]); got != 6 {
		t.Errorf("2 planes of 3 signs have %d accumulators, want 6", got)
	}
	// Sums of 54 signs fit 7 bits.
	if got := m.AccumulatorBits(binPlanes); got != 7 {
		t.Errorf("%d accumulator bits, want 7", got)
	}
}

func TestValidateRefusesSigns(t *testing.T) {
	type M = qmodel.Model
	weights := func(i int, f func(w *qmodel.Weights)) func(*M) {
		return func(m *M) { f(m.Operators[i].Weights) }
	}
	for _, c := range []struct {
		name  string
		spoil func(m *M)
		want  string
	}{
		{"zero point", func(m *M) { m.Tensors[1].ZeroPoint = 1 }, "range of signs"},
		{"range", func(m *M) { m.Tensors[1].Range = [2]int32{0, 1} }, "range of signs"},
		{"signs of logits", func(m *M) { m.Tensors[len(m.Tensors)-1].Signs = true }, "no signs"},
		{"signs of an image", func(m *M) { m.Tensors[0].Signs, m.Tensors[0].ZeroPoint, m.Input.ZeroPoints[0] = true, 0, 0 }, "not an image"},
		{"unknown coding", weights(binPowers, func(w *qmodel.Weights) { w.Coding = "base 3" }), "unknown coding"},
		{"powers of 6 bits", weights(binPowers, func(w *qmodel.Weights) { w.Bits = 6 }), "powers of two in 6 bits"},
		{"power", weights(binPowers, func(w *qmodel.Weights) { w.Packed[5] = 9 }), "weight 5 is 9"},
		{"split bit", weights(binSplit, func(w *qmodel.Weights) { w.Bits = 1 }), "split weights of 1 bits"},
		{"odd bit", weights(binOdd, func(w *qmodel.Weights) { w.Bits = 1 }), "odd weights of 1 bit"},
		{"one plane", weights(binRaw, func(w *qmodel.Weights) { w.Planes = 1 }), "1 planes"},
		{"negative planes", weights(binRaw, func(w *qmodel.Weights) { w.Planes = -2 }), "-2 planes"},
		{"planes of split weights", weights(binSplit, func(w *qmodel.Weights) { w.Planes = 2 }), "narrow ones of 1 bit"},
		{"weights of a plane", weights(binPlanes, func(w *qmodel.Weights) { w.Planes = 3 }), "codes of 1 bits"},
		{"accumulators of planes", weights(binRaw, func(w *qmodel.Weights) { w.Planes, w.Packed = 2, append(w.Packed, w.Packed...) }), "one accumulator"},
		{"pool makes codes", func(m *M) { m.Tensors[2].Signs = false }, "other bits"},
		{"sign of signs", func(m *M) { m.Operators[binSign].Inputs[0] = 4 }, "the input are signs"},
		{"added signs", func(m *M) { m.Operators[binSplit].Inputs[1] = 4 }, "which is added, are signs"},
		{"sign makes codes", func(m *M) { m.Tensors[6].Signs = false }, "thresholds, which it does not use"},
		{"sign makes nothing", func(m *M) { m.Tensors[6].Signs, m.Operators[binSign].Thresholds = false, nil }, "not signs"},
		{"no thresholds", func(m *M) { m.Operators[binPowers].Thresholds = nil }, "no thresholds"},
		{"idle thresholds", func(m *M) { m.Operators[binPool].Thresholds = m.Operators[binPowers].Thresholds }, "does not use"},
		{"thresholds of codes", func(m *M) { m.Operators[binPlanesOfPlanes].Thresholds = m.Operators[binPowers].Thresholds }, "does not use"},
		{"requantized signs", func(m *M) { m.Operators[binPowers].Requantizer = m.Operators[binLinear].Requantizer }, "does not use"},
		{"planes", func(m *M) { h := m.Operators[binPlanes].Thresholds; h.T = h.T[:2] }, "thresholds of 2 planes"},
		{"channels", func(m *M) { h := m.Operators[binPowers].Thresholds; h.T[0] = h.T[0][:3] }, "thresholds of 3 channels"},
		{"falling", func(m *M) { h := m.Operators[binPlanes].Thresholds; h.T[2][1] = h.T[0][1] - 1 }, "below the threshold of the plane before"},
		{"terms", func(m *M) { h := m.Operators[binPlanes].Thresholds; h.M = h.M[:2] }, "2 terms"},
		{"table of no signs", func(m *M) {
			o := &m.Operators[binSign]
			o.Op, o.Thresholds, o.Table = qmodel.Table, nil, make([]uint8, 256)
			m.Tensors[6].Bits, o.Table[9] = 2, 2
		}, "signs do not rise"},
	} {
		m := binaryModel()
		c.spoil(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
