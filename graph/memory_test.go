// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math/rand/v2"
	"testing"
)

// TestPlace places values of random sizes and lives: those alive at the same
// time do not overlap, and the arena is not far from what is alive at once.
func TestPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		const steps = 40
		values := make([]value, 60)
		var alive [steps]int
		for i := range values {
			v := value{size: 1 + rng.IntN(1000), first: rng.IntN(steps), owner: i}
			v.last = min(steps-1, v.first+rng.IntN(6))
			v.kept = rng.IntN(10) == 0
			values[i] = v
			for s := v.first; s <= v.last && !v.kept; s++ {
				alive[s] += aligned(v.size)
			}
		}
		size, most := place(values), 0
		for _, n := range alive {
			most = max(most, n)
		}
		if size > most*3/2 {
			t.Errorf("an arena of %d for at most %d numbers at a time", size, most)
		}
		for i, v := range values {
			if v.kept {
				continue
			}
			if v.offset < 0 || v.offset+v.size > size || v.offset%16 != 0 {
				t.Fatalf("value %d of size %d at %d in an arena of %d", i, v.size, v.offset, size)
			}
			for _, w := range values[:i] {
				if !w.kept && v.first <= w.last && w.first <= v.last && v.offset < w.offset+w.size && w.offset < v.offset+v.size {
					t.Fatalf("%+v and %+v overlap", v, w)
				}
			}
		}
	}
}

// TestOverwrite lets a step compute in the memory of what it reads last, and of
// nothing else.
func TestOverwrite(t *testing.T) {
	for name, c := range map[string]struct {
		change func(values []value, s *step)
		want   bool
	}{
		"read last here":   {func([]value, *step) {}, true},
		"read again":       {func(v []value, _ *step) { v[0].last = 2 }, false},
		"kept":             {func(v []value, _ *step) { v[0].kept = true }, false},
		"result kept":      {func(v []value, _ *step) { v[2].kept = true }, false},
		"of another size":  {func(v []value, _ *step) { v[0].size = 9 }, false},
		"read twice":       {func(_ []value, s *step) { s.in[1] = 0 }, false},
		"read by another":  {func(v []value, _ *step) { v[1].owner = 0 }, false},
		"not to be":        {func(_ []value, s *step) { s.over = nil }, false},
		"the second to be": {func(v []value, s *step) { v[0].kept, s.over = true, [][2]int{{0, 2}, {1, 2}} }, true},
	} {
		values := []value{{size: 8, last: 1, owner: 0}, {size: 8, last: 1, owner: 1}, {size: 8, first: 1, last: 3, owner: 2}}
		s := &step{in: []int{0, 1}, out: []int{2}, over: [][2]int{{0, 2}}}
		c.change(values, s)
		overwrite(values, s, 1)
		if owner := values[2].owner; (owner != 2) != c.want || c.want && values[owner].last != 3 {
			t.Errorf("%s: memory of value %d: %+v", name, owner, values)
		}
	}
}
