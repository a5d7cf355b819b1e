// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math/bits"
	"math/rand/v2"

	"github.com/goqat/goqat/internal/random"
)

// A purpose keeps random streams drawn from one seed apart.
type purpose uint64

const (
	purposeHoldout purpose = iota + 1
	_                      // was of the choice of test images; the numbers of the others stay
	purposeShuffle
	purposeAugment
	purposeMixup
	purposeBalance
)

// seedStream puts p at the start of the stream of (seed, purpose, a, b).
func seedStream(p *rand.PCG, seed uint64, use purpose, a, b uint64) {
	h := random.Mix(random.Mix(random.Mix(random.Mix(seed)^uint64(use))^a) ^ b)
	p.Seed(h, random.Mix(h))
}

// below draws from [0, n). Its bias is below n x 2^-64.
func below(p *rand.PCG, n int) int {
	high, _ := bits.Mul64(p.Uint64(), uint64(n))
	return int(high)
}

// shuffle permutes s (Fisher and Yates).
func shuffle[T any](p *rand.PCG, s []T) {
	for i := len(s) - 1; i > 0; i-- {
		j := below(p, i+1)
		s[i], s[j] = s[j], s[i]
	}
}
