// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestTiling compares a tiling with its definition, every slice ending at a
// page that faults, for numbers of rows, steps and columns around the tile's.
func TestTiling(t *testing.T) {
	tiers(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, perChannel := range []bool{false, true} {
			for _, rows := range []int{1, 5, 6, 7, 12, 16, 25, 34} {
				for _, steps := range []int{1, 2, 3, 4, 5, 9, 30} {
					for _, cols := range []int{1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 50} {
						testTiling(t, r, perChannel, rows, steps, cols)
					}
				}
			}
		}
	})
}

func testTiling(t *testing.T, r *rand.Rand, perChannel bool, rows, steps, cols int) {
	const gap = 3 // floats between the rows of c that must stay
	panels, wide := (cols+tileCols-1)/tileCols, 1
	if perChannel {
		wide = panels * tileCols
	}
	ldb := tileCols + r.IntN(3)
	next := (steps-1)*ldb + tileCols + r.IntN(3)
	if r.IntN(2) == 0 {
		// Side by side, as in a matrix.
		ldb, next = panels*tileCols+r.IntN(3), tileCols
	}
	x := tiling{
		c: guarded(t, rows*(cols+gap)-gap), a: guarded(t, rows+steps+wide-1), b: guarded(t, (panels-1)*next+(steps-1)*ldb+tileCols),
		ldb: ldb, next: next, cols: cols, accumulate: r.IntN(2) == 0, perChannel: perChannel,
	}
	for _, s := range [][]float32{x.a, x.b, x.c} {
		copy(s, random(len(s), r.Uint64()))
	}
	for _, i := range r.Perm(rows) {
		x.cRow = append(x.cRow, int32(i*(cols+gap)))
		x.aRow = append(x.aRow, int32(r.IntN(rows+1)))
	}
	if r.IntN(2) == 0 {
		x.pitch = 1 + r.IntN(2)
		x.a = guarded(t, rows+6+steps+wide-1)
		copy(x.a, random(len(x.a), r.Uint64()))
		for i := range x.aRow {
			x.aRow[i] = x.aRow[i/4*4] + int32(i%4*x.pitch)
		}
	}
	for range steps {
		x.aStep = append(x.aStep, int32(r.IntN(steps)))
	}
	if perChannel && r.IntN(2) == 0 {
		x.scale = guarded(t, panels*tileCols)
		copy(x.scale, random(len(x.scale), r.Uint64()))
	}
	want, size := make([]float64, len(x.c)), make([]float64, len(x.c))
	for i, v := range x.c {
		want[i] = float64(v)
	}
	for i, at := range x.cRow {
		for n := range cols {
			sum := &want[int(at)+n]
			if !x.accumulate {
				*sum = 0
			}
			size[int(at)+n] = math.Abs(*sum)
			for k, step := range x.aStep {
				from := int(x.aRow[i] + step)
				if perChannel {
					from += n
				}
				v := float64(x.a[from]) * float64(x.b[n/tileCols*next+k*ldb+n%tileCols])
				*sum += v
				size[int(at)+n] += math.Abs(v)
			}
			if x.scale != nil {
				*sum *= float64(x.scale[n])
				size[int(at)+n] *= math.Abs(float64(x.scale[n]))
			}
		}
	}
	x.run()
	near(t, fmt.Sprintf("tiling of %d rows, %d steps, %d columns: c", rows, steps, cols), x.c, want, size, float64(steps+2))
}
