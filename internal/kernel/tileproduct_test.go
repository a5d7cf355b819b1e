// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// drawProduct returns a random product whose operands end at pages that fault.
func drawProduct(t *testing.T, r *rand.Rand, floats bool) tileProduct {
	p := tileProduct{rows: 1 + r.IntN(tileRows), depth: 4 * (1 + r.IntN(tileBytes/4)), floats: floats, part: 4 * r.IntN(50)}
	for range 1 + r.IntN(5) {
		p.bAt = append(p.bAt, 4*r.Int32N(700))
	}
	panels := len(p.bAt)
	p.aPitch, p.cPair = 4*r.IntN(40), tilePanels*tileCols
	p.cPitch = panels*tileCols + r.IntN(3)
	tile := p.rows * p.cPitch
	if r.IntN(2) > 0 { // pair after pair
		p.cPitch = tilePanels*tileCols + r.IntN(3)
		p.cPair = p.rows*p.cPitch + r.IntN(5)
		tile = pairs(panels) * p.cPair
	}
	for i := range 1 + r.IntN(5) {
		p.aAt, p.cAt = append(p.aAt, 4*r.Int32N(50)), append(p.cAt, int32(i*tile))
	}
	for range 1 + r.IntN(6) {
		p.aStep, p.bStep = append(p.aStep, 4*r.Int32N(30)), append(p.bStep, r.Int32N(3)*tileBytes*tileCols)
	}
	p.a = Bytes(guarded(t, (int(slices.Max(p.aAt)+slices.Max(p.aStep))+(p.parts()-1)*p.part+(p.rows-1)*p.aPitch+p.depth)/4))
	p.b = Bytes(guarded(t, (int(slices.Max(p.bAt)+slices.Max(p.bStep))+p.depth*tileCols)/4))
	p.c = guarded(t, p.place(len(p.aAt)-1, panels-1)+(p.rows-1)*p.cPitch+tileCols)
	for _, operand := range [][]uint8{p.a, p.b} {
		for i := 0; i < len(operand); i += 2 {
			bits := uint16(r.Uint32())
			if floats {
				bits = uint16(upper(float32(r.NormFloat64())))
			}
			binary.LittleEndian.PutUint16(operand[i:], bits)
		}
	}
	return p
}

// element returns the sum of a row of a tile and a column, and the sum of the magnitudes of its terms, by the definition.
func (p *tileProduct) element(tile, row, n int) (sum, size float64) {
	for i := range len(p.aStep) * p.parts() {
		s, part := i/p.parts(), i%p.parts()
		a, b := p.a[int(p.aAt[tile]+p.aStep[s])+part*p.part+row*p.aPitch:], p.b[p.bAt[n/tileCols]+p.bStep[s]+int32(4*(n%tileCols)):]
		for k := 0; k < p.depth; k++ {
			x, y := float64(a[k]), float64(int8(b[k/4*4*tileCols+k%4]))
			if p.floats {
				if k%2 > 0 {
					continue
				}
				x, y = bfloatAt(a, k), bfloatAt(b, k/4*4*tileCols+k%4)
			}
			sum, size = sum+x*y, size+math.Abs(x*y)
		}
	}
	return sum, size
}

// TestTileProduct compares products with float64, and the processor's, where there are tiles, with those in Go, bit for bit.
func TestTileProduct(t *testing.T) {
	defer SetTier(SetTier(AMX))
	permitted := CurrentTier() == AMX
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 100 {
		p := drawProduct(t, r, round%2 > 0)
		undo := EmulateTiles()
		p.run()
		undo()
		for i := range p.cAt {
			for row := range p.rows {
				for n := range len(p.bAt) * tileCols {
					got := p.c[p.place(i, n/tileCols)+row*p.cPitch+n%tileCols]
					want, size := p.element(i, row, n)
					if p.floats && !(math.Abs(float64(got)-want) <= 8*size/(1<<24)) || !p.floats && float64(int32(math.Float32bits(got))) != want {
						t.Fatalf("floats %v, tile %d, row %d, column %d: %g, want %g", p.floats, i, row, n, got, want)
					}
				}
			}
		}
		if permitted {
			want := slices.Clone(p.c)
			clear(p.c)
			p.run()
			if !slices.Equal(Bytes(p.c), Bytes(want)) {
				t.Fatalf("floats %v, %d tiles of %d rows of %d, %d panels: other bits than in Go", p.floats, len(p.aAt), p.rows, p.depth, len(p.bAt))
			}
		}
	}
	if !permitted {
		t.Log("there are no tiles of AMX here: in Go alone")
	}
}

// TestScaleSums compares rows that end at a page that faults with the definition.
func TestScaleSums(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for columns := tileCols; columns < 80; columns += tileCols {
			for rows := 1; rows < 5; rows++ {
				dst, scale := guarded(t, rows*columns), guarded(t, columns)
				copy(scale, random(columns, 1))
				sums := make([]int32, len(dst))
				for i := range dst {
					sums[i] = int32(uint32(i) * 2654435761)
					dst[i] = math.Float32frombits(uint32(sums[i]))
				}
				scaleSums(dst, scale)
				for i, got := range dst {
					if want := float32(sums[i]) * scale[i%columns]; got != want {
						t.Fatalf("%d rows of %d columns: %d is %g, want %g", rows, columns, i, got, want)
					}
				}
			}
		}
	})
}
