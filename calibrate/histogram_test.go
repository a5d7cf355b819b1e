// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHistogramAgainstCounting compares with bins of the final width, counted at
// once: however the values arrive, and whatever sizes they pass through, the
// bins are the same.
func TestHistogramAgainstCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		x := make([]float32, 1+r.IntN(3000))
		spread := 40 * r.Float64()
		for i := range x {
			x[i] = float32(r.NormFloat64() * math.Exp2(spread*(r.Float64()-0.5)))
			if r.IntN(4) == 0 {
				x[i] = 0
			}
		}
		var h Histogram
		for part := range slices.Chunk(x, 1+r.IntN(len(x))) {
			h.Add(part)
		}
		want := make([]int64, 2*half)
		var zeros int64
		for _, v := range x {
			if v == 0 {
				zeros++
				continue
			}
			want[half+int(math.Floor(float64(v)/h.width()))]++
		}
		if h.Count != int64(len(x)) || h.Zeros != zeros || h.bins != nil && !slices.Equal(h.bins, want) {
			t.Fatalf("%d values: %d counted, %d zeros, want %d", len(x), h.Count, h.Zeros, zeros)
		}
		if most := max(-h.Min, h.Max); most > 0 && float64(most)/h.width() < half/2 {
			t.Fatalf("the greatest magnitude %v is in bin %v of %d", most, float64(most)/h.width(), half)
		}
	}
}

// FuzzHistogram adds any bits of float32: nothing panics, and every value is
// counted or makes the histogram invalid.
func FuzzHistogram(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 0, 128, 255, 255, 127, 127, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Histogram
		n := int64(0)
		for b := range slices.Chunk(data, 4) {
			if len(b) == 4 {
				h.Add([]float32{math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)})
				n++
			}
		}
		if h.check() != nil {
			return
		}
		counted := h.Zeros
		for _, c := range h.bins {
			counted += c
		}
		if counted != n || h.Count != n {
			t.Fatalf("%d of %d values counted", counted, n)
		}
	})
}
