// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"
	"testing"
)

// A recorder is a Follower that copies every pixel of a result when all of it is stored.
type recorder struct {
	sync.Mutex
	of   []float32
	c    int   // channels
	left []int // channels of each pixel that are not stored
	copy []float32
}

func newRecorder(of []float32, c int) *recorder {
	r := &recorder{of: of, c: c, left: make([]int, len(of)/c), copy: make([]float32, len(of))}
	for i := range r.left {
		r.left[i] = c
	}
	return r
}

func (r *recorder) Stored(lo, hi, n, _ int) {
	r.Lock()
	defer r.Unlock()
	each := n / ((hi - lo) / r.c)
	for i := lo / r.c; i < hi/r.c; i++ {
		if r.left[i] -= each; r.left[i] == 0 {
			copy(r.copy[i*r.c:][:r.c], r.of[i*r.c:])
		}
	}
}

// check holds that all was stored once.
func (r *recorder) check(t *testing.T, what string) {
	t.Helper()
	for i, n := range r.left {
		if n != 0 {
			t.Fatalf("%s: %d channels of pixel %d are left", what, n, i)
		}
	}
	sameBits(t, what, r.copy, r.of)
}

// TestFollow follows the forward passes of all shapes, on real numbers and on integers.
func TestFollow(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	test := func(t *testing.T) {
		for _, s := range shapes {
			k := newIntegerCase(t, s.Conv, s.batch, 15, 7, false, true)
			p := NewConvPlan(s.Conv, s.batch, pool)
			y := make([]float32, s.batch*s.OutSize())
			for _, pass := range []struct {
				name string
				run  func()
			}{
				{"real numbers", func() { p.Forward(y, k.x, k.w, s.batch) }},
				{"integers", func() { p.ForwardIntegers(y, Real(k.x), k.w, s.batch, k.steps) }},
			} {
				r := newRecorder(y, s.OutC)
				p.Follow(r)
				pass.run()
				p.Follow(nil)
				r.check(t, s.Conv.String()+", "+pass.name)
			}
		}
	}
	t.Run("as it is", test)
	defer EmulateTiles()()
	t.Run("tiles, emulated", test)
}
