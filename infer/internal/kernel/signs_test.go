// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// drawSigns returns a geometry for codes of so many signs, and random ones.
func drawSigns(t *testing.T, rng *rand.Rand, n, batch int, groups bool) (kernel.Conv, []uint8) {
	c := drawConv(rng, groups)
	c.Zero, c.Max = 0, 1<<n-1
	if !groups && c.OutW < 16 && rng.IntN(3) == 0 { // words and halves of them
		c.InC, c.OutC = []int{16, 32, 64, 96, 128}[rng.IntN(5)], min(c.OutC, 48)
	}
	x := guarded[uint8](t, batch*c.InLen(), rng.IntN(2) == 0)
	for i := range x {
		x[i] = 1<<rng.IntN(n+1) - 1
	}
	return c, x
}

// TestSignsAgree compares every fast plan of signs with the definition: of weights -1 and +1, then with one other.
func TestSignsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range rounds(200) {
		signsAgree(t, rng, i)
	}
}

// signsAgree draws a convolution of signs, i choosing its kind, and compares every fast plan with the definition.
func signsAgree(t *testing.T, rng *rand.Rand, i int) {
	t.Helper()
	sets, reference := fast()
	n, batch := 1+rng.IntN(3), 1+rng.IntN(2)
	c, x := drawSigns(t, rng, n, batch, i%3 == 0)
	weights := make([]int16, c.OutC*c.KH*c.KW*c.InC/c.Groups)
	for k := range weights {
		weights[k] = int16(2*rng.IntN(2) - 1)
	}
	for _, other := range []int16{1, -128, 128} {
		weights[rng.IntN(len(weights))] = other
		want := gather(t, reference.Signs(c, n, weights), c, n, x, batch, false)
		for _, set := range sets {
			plan := set.Signs(c, n, weights)
			if slow := fmt.Sprintf("%T", plan) == "*kernel.signs"; slow && other == 1 {
				t.Fatalf("set %s runs weights of one bit by %T", set.Name, plan)
			}
			if got := gather(t, plan, c, n, x, batch, i%2 == 0); !slices.Equal(got, want) {
				t.Fatalf("set %s, %d signs, %+v: %d, want %d", set.Name, n, c, got, want)
			}
		}
	}
}

// TestManySigns counts more signs that differ than a byte holds.
func TestManySigns(t *testing.T) {
	sets, _ := fast()
	for _, channels := range []int{1007, 1008, 1009, 1024, 5000} {
		c := kernel.Conv{InH: 1, InW: 1, InC: channels, OutH: 1, OutW: 1, OutC: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1, Max: 1}
		weights := slices.Repeat([]int16{-1}, channels)
		for _, set := range sets {
			for sign, want := range []int32{int32(channels), -int32(channels)} {
				if got := gather(t, set.Signs(c, 1, weights), c, 1, slices.Repeat([]uint8{uint8(sign)}, channels), 1, false); got[0] != want {
					t.Errorf("set %s: the sum of %d signs is %d, want %d", set.Name, channels, got[0], want)
				}
			}
		}
	}
}

// TestSignsAreCodes sums signs as codes 0 and 1: Σ ±w is 2·Σ q·w - Σ w, where nothing is padded.
func TestSignsAreCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range rounds(100) {
		c, x := drawSigns(t, rng, 1, 1, false)
		c.Top, c.Left, c.KH, c.KW = 0, 0, min(c.KH, c.InH), min(c.KW, c.InW)
		c.OutH, c.OutW = (c.InH-c.KH)/c.StrideH+1, (c.InW-c.KW)/c.StrideW+1
		narrow := drawWeights(rng, c.OutC*c.KH*c.KW*c.InC)
		wide, sum := make([]int16, len(narrow)), make([]int32, c.OutC)
		for i, w := range narrow {
			wide[i] = int16(w)
			sum[i/(c.KH*c.KW*c.InC)] += int32(w)
		}
		want := gather(t, kernel.Reference.Plan(c, narrow), c, 1, x, 1, false)
		for i := range want {
			want[i] = 2*want[i] - sum[i%c.OutC]
		}
		if got := gather(t, kernel.Reference.Signs(c, 1, wide), c, 1, x, 1, false); !slices.Equal(got, want) {
			t.Fatalf("%+v: %d, want %d", c, got, want)
		}
	}
}

// TestRemainder puts narrow weights and remainder together again, and sums both.
func TestRemainder(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for n := range rounds(100) {
		c := drawConv(rng, n%3 == 0)
		weights := make([]int16, c.OutC*c.KH*c.KW*c.InC/c.Groups)
		for i := range weights {
			weights[i] = []int16{-128, -1, 0, 1, 64, 127, 128}[rng.IntN(7)]
		}
		x := make([]uint8, c.InLen())
		drawCodes(rng, x, c.Max)
		half, odd := make([]int8, len(weights)), make([]int8, len(weights)) // w = 2·half + odd
		for i, w := range weights {
			half[i], odd[i] = int8(w/2), int8(w%2)
		}
		want := gather(t, kernel.Reference.Plan(c, half), c, 1, x, 1, false)
		for i, a := range gather(t, kernel.Reference.Plan(c, odd), c, 1, x, 1, false) {
			want[i] = 2*want[i] + a
		}
		narrow, rest := kernel.NewRemainder(c, weights)
		got := gather(t, kernel.Reference.Plan(c, narrow), c, 1, x, 1, false)
		if rest != nil {
			rest.Add(got, x, kernel.Tile{Rows: c.Pixels(), Channels: c.OutC, Stride: c.OutC})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: %d, want %d", c, got, want)
		}
	}
	if _, rest := kernel.NewRemainder(kernel.Conv{OutC: 1, KH: 1, KW: 1, InC: 3, Groups: 1}, []int16{-128, 0, 127}); rest != nil {
		t.Error("weights that fit int8 have a remainder")
	}
}
