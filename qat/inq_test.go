// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/qat"
)

// TestINQSteps freezes the largest weights in steps: frozen ones hold whatever
// the optimizer does, the others are float and train on.
func TestINQSteps(t *testing.T) {
	const n = 16
	o := qat.Options{Bits: 5, PerTensor: true}
	q := shaped(t, "inq", o, 2, n/2)
	s := q.(qat.Incremental)
	w := normal(n, 0.1, 3)
	q.Start(w)
	y := make([]float32, n)
	if q.Forward(y, w); slices.Equal(y, w) || s.Steps() != 4 {
		t.Fatalf("without a step weights stay float, of %d steps", s.Steps())
	}
	held := map[int]float32{}
	for k, count := range []int{8, 12, 14, 16} {
		before := slices.Clone(w)
		s.Advance(k+1, w)
		q.Forward(y, w)
		smallest, largest := math.Inf(1), 0.0
		for i := range w {
			_, was := held[i]
			switch {
			case y[i] != w[i]:
				t.Fatalf("step %d: weight %d is %v, in the graph %v", k+1, i, w[i], y[i])
			case was && w[i] != held[i]:
				t.Fatalf("step %d: the frozen weight %d went from %v to %v", k+1, i, held[i], w[i])
			case was:
			case w[i] != before[i]:
				held[i] = w[i]
				smallest = min(smallest, math.Abs(float64(before[i])))
				if m, _ := math.Frexp(math.Abs(float64(w[i]))); w[i] != 0 && m != 0.5 {
					t.Fatalf("step %d: frozen at %v, which is no power of two", k+1, w[i])
				}
			default:
				largest = max(largest, math.Abs(float64(w[i])))
			}
		}
		if len(held) != count || smallest < largest {
			t.Fatalf("step %d: %d weights frozen, the least %v, the largest that is not %v", k+1, len(held), smallest, largest)
		}
		if s.Advance(k+1, w); !slices.Equal(y, w) { // taken already
			t.Fatal("a step is taken twice")
		}
		for i := range w { // the optimizer's step
			w[i] += 0.01 * float32(i%3-1)
		}
		q.Constrain(w)
	}
	codes := make([]int16, n)
	scale := q.Integers(codes, w)
	for i, c := range codes {
		if held[i] != scale[0]*float32(c) {
			t.Errorf("weight %d, frozen at %v, exports as %d at %v", i, held[i], c, scale[0])
		}
	}

	// A checkpoint's state makes another the same, and its steps are taken.
	again := shaped(t, "inq", o, 2, n/2)
	again.Start(normal(n, 7, 4))
	for i, s := range q.State() {
		copy(again.State()[i].Data, s.Data)
	}
	v := normal(n, 1, 5)
	again.(qat.Incremental).Advance(4, v)
	if again.Constrain(v); !slices.Equal(v, w) {
		t.Errorf("restored as %v, want %v", v, w)
	}
}

func TestStepEpochs(t *testing.T) {
	for _, c := range []struct {
		n, end int
		want   []int
	}{{4, 6, []int{0, 2, 3, 5}}, {4, 8, []int{0, 2, 5, 7}}, {4, 1, []int{0, 0, 0, 0}}, {4, 0, []int{0, 0, 0, 0}}, {1, 5, []int{0}}, {0, 5, []int{}}} {
		if got := qat.StepEpochs(c.n, c.end); !slices.Equal(got, c.want) {
			t.Errorf("%d steps before epoch %d start in %v, want %v", c.n, c.end, got, c.want)
		}
	}
	s := qat.Schedule{Steps: []int{0, 2, 2, 5}}
	for epoch, want := range []int{1, 1, 3, 3, 3, 4, 4} {
		if s.Step(epoch) != want || s.Settled(epoch) != (want == 4) {
			t.Errorf("epoch %d: %d steps, want %d; settled %v", epoch, s.Step(epoch), want, s.Settled(epoch))
		}
	}
}
