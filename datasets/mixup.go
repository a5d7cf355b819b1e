// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"math/rand/v2"
)

// mixBits are the bits of a share by which images are mixed.
const mixBits = 8

// mix mixes every image of a batch with another one of it, all by one share (Zhang et al. 2018, "mixup: beyond
// empirical risk minimization", section 2). The larger share is the image's own, so that its label is the likelier one.
// The draws depend on (seed, epoch, number of the batch).
func (f *filler) mix(b *batch, epoch, number int) {
	b.partners, b.share = b.partners[:0], 1
	n := len(b.labels)
	if f.options.Mixup == 0 || n < 2 {
		return
	}
	seedStream(&f.random, f.options.Seed, purposeMixup, uint64(epoch), uint64(number))
	share := beta(&f.random, f.options.Mixup)
	own := int(math.Round(max(share, 1-share) * (1 << mixBits)))
	apart := 1 + below(&f.random, n-1)
	size := f.shape.Size()
	before := f.scratch[:len(b.images)]
	copy(before, b.images)
	for i := range n {
		j := (i + apart) % n
		b.partners = append(b.partners, b.labels[j])
		other := before[j*size : (j+1)*size]
		for k, v := range before[i*size : (i+1)*size] {
			b.images[i*size+k] = uint8((int(v)*own + int(other[k])*(1<<mixBits-own) + 1<<(mixBits-1)) >> mixBits)
		}
	}
	b.share = float32(own) / (1 << mixBits)
}

// beta draws from Beta(a, a), 0 < a ≤ 1 (Jöhnk 1964).
func beta(p *rand.PCG, a float64) float64 {
	for {
		u, v := float64(p.Uint64()>>11)/(1<<53), float64(p.Uint64()>>11)/(1<<53)
		x, y := math.Pow(u, 1/a), math.Pow(v, 1/a)
		if x+y > 0 && x+y <= 1 {
			return x / (x + y)
		}
	}
}
