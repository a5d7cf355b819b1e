// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// TestMostBytes: no file of a model's structure is longer, with its own numbers, with small ones, or with biases that ask
// for 64 bits, and the bound does not depend on which of them the model has.
func TestMostBytes(t *testing.T) {
	valid := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		m := []func(*rand.Rand) *qmodel.Model{qmodeltest.Tiny, qmodeltest.Wide, qmodeltest.Branches, qmodeltest.Gated, qmodeltest.Ranged, qmodeltest.Dense, qmodeltest.Binary}[seed%7](rng)
		if seed%2 > 0 {
			m = qmodeltest.Compact(m)
		}
		most := mostBytes(t, m)
		file := write(t, m)
		if int64(len(file)) > most || most > int64(len(file))+4000 {
			t.Errorf("seed %d: a file of %d bytes, at most %d", seed, len(file), most)
		}
		if again := write(t, m); !slices.Equal(file, again) {
			t.Errorf("seed %d: the model has changed", seed)
		}
		for i := range m.Operators {
			o := &m.Operators[i]
			if r := o.Requantizer; r != nil && o.Weights != nil {
				r.Bias, r.AccBias = make([]int64, r.Channels()), make([]int32, r.Channels())
			}
		}
		for i := range m.Tensors[1:] {
			if scale := &m.Tensors[i+1].ScaleBits; *scale != 0 {
				*scale = 1
			}
		}
		m.Data.Digest = ""
		if small := mostBytes(t, m); small != most {
			t.Errorf("seed %d: at most %d bytes, %d without biases", seed, most, small)
		}
		m.Data.Digest = strings.Repeat("f", 64)
		for i := range m.Operators {
			if r := m.Operators[i].Requantizer; r != nil && m.Operators[i].Weights != nil {
				r.Bias[0] = 1 << 40
			}
		}
		var large bytes.Buffer
		if err := m.Write(&large); err != nil { // not every bias is valid
			continue
		}
		if valid++; int64(large.Len()) > most {
			t.Errorf("seed %d: a file of %d bytes, at most %d", seed, large.Len(), most)
		}
	}
	if valid < 20 {
		t.Errorf("%d models are valid with large biases", valid)
	}
}

func mostBytes(t *testing.T, m *qmodel.Model) int64 {
	t.Helper()
	most, err := m.MostBytes()
	if err != nil {
		t.Fatal(err)
	}
	return most
}
