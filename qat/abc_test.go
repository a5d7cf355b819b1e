// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// TestABCStart starts the signs of a normal tensor at the best quantizer of Max
// (1960, table 1), those of a rectified one at positive levels with 0 as the
// least value.
func TestABCStart(t *testing.T) {
	x := normal(20000, 2, 6)
	for i := range x {
		x[i] += 3
	}
	run := &graph.Run{Pass: graph.Pass{Calibrate: true}}
	a, _ := activation(t, "abc", qat.Options{Bits: 3, Signed: true})
	a.Observe(run, statsOf(x))
	for n, want := range []float64{3 - 2*0.9816, 3, 3 + 2*0.9816} {
		if got := a.(qat.Signs).Levels()[n]; math.Abs(got-want) > 0.05 {
			t.Errorf("level %d is %v, want %v", n, got, want)
		}
	}
	for n, want := range []float64{2 * (1.510 - 0.4528) / 2, 2 * 0.4528, 2 * (1.510 - 0.4528) / 2} {
		if got := float64(a.(qat.Signs).Scales()[n]); math.Abs(got-want) > 0.05 {
			t.Errorf("scale %d is %v, want %v", n, got, want)
		}
	}
	a, _ = activation(t, "abc", qat.Options{Bits: 2})
	a.Observe(run, statsOf(normal(20000, 1, 7)))
	if l := a.(qat.Signs).Levels(); !(l[0] > 0 && l[1] > l[0] && l[1] < 2) {
		t.Errorf("levels of a rectified tensor %v", l)
	}
}

// TestABCOrder sorts signs whose shifts have crossed, with their scales.
func TestABCOrder(t *testing.T) {
	a, _ := activation(t, "abc", qat.Options{Bits: 3})
	copy(a.Params()[0].Value, []float32{0.5, -2, 1.5})
	copy(a.Params()[1].Value, []float32{1, 2, 3})
	s := a.(qat.Signs)
	if !slices.Equal(s.Levels(), []float64{-1, 0, 2.5}) || !slices.Equal(s.Scales(), []float32{3, 1, 2}) {
		t.Errorf("levels %v, scales %v", s.Levels(), s.Scales())
	}
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), -1e30} {
		for _, p := range a.Params() {
			for i := range p.Value {
				p.Value[i] = bad
			}
		}
		a.Constrain()
		for n, l := range s.Levels() {
			if v := s.Scales()[n]; math.IsNaN(l) || math.IsInf(l, 0) || !(v > 0) || v > math.MaxFloat32 {
				t.Errorf("%v became the level %v and the scale %v", bad, l, v)
			}
		}
	}
}
