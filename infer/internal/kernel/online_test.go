// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
)

func TestOnlineAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	for range rounds(2000) {
		onlineAgrees(t, rng)
	}
}

func FuzzOnline(f *testing.F) {
	fuzz(f, func(t *testing.T, rng *rand.Rand, _ int) { onlineAgrees(t, rng) })
}

// onlineAgrees compares the codes of every set with the reference: of values of any size, many of them at ties.
func onlineAgrees(t *testing.T, rng *rand.Rand) {
	t.Helper()
	o := fixed.Online{Max: 1<<(1+rng.IntN(8)) - 1}
	if rng.IntN(2) == 0 {
		o.Zero = rng.Int32N(o.Max + 1)
	}
	values := guarded[int32](t, 1+rng.IntN(70), rng.IntN(2) == 0)
	size := rng.IntN(32)
	for i := range values {
		values[i] = max(-fixed.MostValue, int32(rng.Uint32())>>size)
	}
	if rng.IntN(2) == 0 { // a step that is even, and halves of it
		step := 2 * (1 + rng.Int32N(1<<21))
		for i := range values {
			values[i] = step / 2 * (rng.Int32N(2*o.Max+1) - 2*o.Zero)
		}
		values[0] = step * (o.Max - o.Zero)
	}
	sets, reference := fast()
	want := make([]uint8, len(values))
	step := reference.Online(o, want, values)
	for _, set := range sets {
		got := guarded[uint8](t, len(values), rng.IntN(2) == 0)
		if s := set.Online(o, got, values); s != step || !slices.Equal(got, want) {
			t.Fatalf("set %s, %+v of %d: step %+v, codes %d, want %+v, %d", set.Name, o, values, s, got, step, want)
		}
	}
}
