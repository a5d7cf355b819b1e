// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestWinograd compares convolutions of 3 × 3 taps of many channels with the reference, at the largest sums that minimal
// filtering can tell apart, and says that a set with it takes other products for larger ones.
func TestWinograd(t *testing.T) {
	const most = 1<<25 - 1
	rng := rand.New(rand.NewPCG(13, 14))
	sets, reference := fast()
	filters := func(p kernel.Plan) bool { return strings.HasSuffix(kernel.NameOf(p, ""), "winograd") }
	for _, channels := range []int{16, 48, 64, 128, 144, 256, 272, 512} {
		for range rounds(4) {
			c := kernel.Conv{InH: 5 + rng.IntN(12), InW: 5 + rng.IntN(12), InC: channels, OutC: 1 + rng.IntN(20), KH: 3, KW: 3, StrideH: 1, StrideW: 1, Groups: 1}
			c.Top, c.Left, c.Max = rng.IntN(2), rng.IntN(2), 255
			c.Zero, c.OutH, c.OutW = rng.Int32N(256), c.InH-rng.IntN(3), c.InW-rng.IntN(3)
			x, weights := guarded[uint8](t, c.InLen(), true), make([]int8, c.OutC*9*channels)
			w := min(127, most/(9*channels*255))
			for i := range weights {
				weights[i] = int8([]int{w, -w, w, rng.IntN(2*w+1) - w}[rng.IntN(4)%(1+i*4/len(weights))])
			}
			for i := range x {
				x[i] = uint8(255 - rng.IntN(256)*(i*2/len(x)))
			}
			want := gather(t, reference.Plan(c, weights), c, 1, x, 1, true)
			large := slices.Clone(weights)
			for i := range 9 * channels {
				large[i] = int8(min(127, most/(9*channels*255)+1))
			}
			for _, set := range sets {
				p := set.Plan(c, weights)
				if got := gather(t, p, c, 1, x, 1, true); !slices.Equal(got, want) {
					t.Fatalf("set %s, %s, %+v: %d, want %d", set.Name, kernel.NameOf(p, ""), c, got, want)
				}
				if large := set.Plan(c, large); channels >= 144 && filters(large) {
					t.Errorf("set %s takes minimal filtering for sums of more than 26 bits: %+v", set.Name, c)
				}
				if set.Name == "avx2" && channels < 512 && c.OutW > 8 && c.OutH > 8 && !filters(p) { // of so many, weights are small enough for bytes
					t.Errorf("set %s takes no minimal filtering for %+v", set.Name, c)
				}
			}
		}
	}
}
