// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestLower wants constants of channels of many ties to give the codes of the requantizer, at all accumulators next to a step. It
// runs no instruction of AVX-512.
func TestLower(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	decided := 0
	const rounds = 300
	for range rounds {
		const width = 16
		m, shift := (rng.Int64N(1<<9)-1<<8)|1, uint8(10+rng.IntN(6))
		r := &fixed.Requantizer{Zero: rng.Int32N(256), Hi: 255, M: [][]int64{{m}}, Bias: []int64{rng.Int64N(1<<23) - 1<<22}, AccBias: []int32{0}, Shift: []uint8{shift}}
		if rng.IntN(4) == 0 {
			r.Lo, r.Hi = rng.Int32N(100), 100+rng.Int32N(156)
		}
		e := &finisher{Epilogue: kernel.Epilogue{Channels: 1, R: r, Terms: []kernel.Term{{Bits: width}}}}
		down, ok := e.lower(m, r.Bias[0], shift, width)
		if !ok {
			continue
		}
		decided++
		for x := int64(-1 << (width - 1)); x <= 1<<(width-1); x++ {
			got := fixed.Clamp((x*m+r.Bias[0]+1<<(shift-1)-down)>>shift+int64(r.Zero), r.Lo, r.Hi)
			if want := r.Apply(0, x); got != want {
				t.Fatalf("M %d, shift %d, bias %d, zero %d: code of %d is %d, want %d", m, shift, r.Bias[0], r.Zero, x, got, want)
			}
		}
	}
	if decided < rounds/4 {
		t.Errorf("%d of %d decided", decided, rounds)
	}
}
