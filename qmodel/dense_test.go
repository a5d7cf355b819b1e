// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/qmodel"
)

func dense() *qmodel.Model { return qmodeltest.Dense(rand.New(rand.NewPCG(1, 2))) }

// TestDenseFile comes back equal from a file of version 7, whose weights are bytes and say how they are packed.
func TestDenseFile(t *testing.T) {
	for seed := range uint64(30) {
		m := qmodeltest.Dense(rand.New(rand.NewPCG(seed, 3)))
		b := write(t, m)
		got, err := read(b)
		if err != nil || m.Version != 7 || !reflect.DeepEqual(got, m) {
			t.Fatalf("seed %d: version %d, error %v, read\n%+v\nwant\n%+v", seed, m.Version, err, got, m)
		}
		f, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		words := 0
		for _, o := range m.Operators {
			w := o.Weights
			if w == nil || w.Packing == qmodel.Aligned {
				continue
			}
			codes, bytes := 8, w.Bits
			if w.Bits == 2 {
				codes, bytes = 5, 1
			}
			want := (w.Len()*bytes + codes - 1) / codes
			if x := f.Tensor(o.Name + ".weight"); x.DType != "U8" || !slices.Equal(x.Shape, []int{want}) {
				t.Errorf("%s: %s %v for %d codes of %d bits, want U8 [%d]", o.Name, x.DType, x.Shape, w.Len(), w.Bits, want)
			}
			words += w.Bytes() - want
		}
		if text := `,\"packing\":\"dense\"`; words == 0 || words != len(text)*strings.Count(string(b), text) {
			t.Errorf("packings are named in %d bytes, there are %d times %s", words, strings.Count(string(b), text), text)
		}
	}
}

// TestDenseIsTheSameModel compares every form of weights, packed in both ways.
func TestDenseIsTheSameModel(t *testing.T) {
	m, aligned := dense(), dense()
	for i := range aligned.Operators {
		if w := aligned.Operators[i].Weights; w != nil {
			codes := w.Codes()
			w.Packing = qmodel.Aligned
			if err := w.Pack(codes); err != nil {
				t.Fatal(err)
			}
		}
	}
	aligned.Version = aligned.Oldest()
	if err := aligned.Validate(); err != nil || aligned.Version != 2 {
		t.Fatalf("version %d, %v", aligned.Version, err)
	}
	for i := range m.Operators {
		if m.AccumulatorBits(i) != aligned.AccumulatorBits(i) || m.MACs(i) != aligned.MACs(i) {
			t.Errorf("operator %d differs", i)
		}
		if w := m.Operators[i].Weights; w != nil {
			for k := range w.Sets() {
				if !slices.Equal(w.Values(k), aligned.Operators[i].Weights.Values(k)) {
					t.Errorf("operator %d has other weights", i)
				}
			}
		}
	}
}

func TestDenseRefuses(t *testing.T) {
	first := func(m *qmodel.Model) *qmodel.Weights { return m.Operators[0].Weights }
	for want, spoil := range map[string]func(m *qmodel.Model){
		"part of version 7":                   func(m *qmodel.Model) { m.Version = 6 },
		"unknown packing":                     func(m *qmodel.Model) { first(m).Packing = "base 3" },
		"dense packing of 4 bits":             func(m *qmodel.Model) { first(m).Bits = 4 },
		"dense packing of 2 bits":             func(m *qmodel.Model) { first(m).Coding = qmodel.Odd },
		"which 5 codes of 3 values do not":    func(m *qmodel.Model) { first(m).Packed[0] = 243 },
		"codes of 2 bits":                     func(m *qmodel.Model) { first(m).Packing = qmodel.Aligned },
		"weight 1 is -4, outside of the code": func(m *qmodel.Model) { m.Operators[3].Weights.Packed[0] = 4 << 3 },
	} {
		m := dense()
		spoil(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
