// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// TestPowersOfTwo derives networks whose scales are powers of two: so are all
// their multipliers, in magnitude, unless an average is of another number of
// values.
func TestPowersOfTwo(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	for seed := range uint64(20) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 2)), seen: map[string]bool{}}
		m, c := g.network()
		c.Pool, c.Policy.Method, c.Policy.Weights = pool, pick[qat.Method](g, qat.Int{}, qat.PACT{}, qat.LSQ{}, qat.LSQPlus{}), nil
		c.Policy.WeightBits, c.Policy.ActivationBits, c.Policy.PowerOfTwo = 2+g.IntN(7), 2+g.IntN(7), true
		c.Policy.FirstLast = pick(g, qat.FirstLast8, qat.FirstLastSame)
		c.Input.Own = nil // a table may read the image
		c.Input.Scale = float32(quant.PowerOfTwo(float64(c.Input.Scale)))
		n, err := layers.Build(m, c)
		if err != nil {
			t.Fatal(err)
		}
		g.shake(n)
		g.calibrate(t, n, g.images(n, 4))
		p, err := export.Derive(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range p.Units {
			if u.Requantizer == nil || u.Kind == network.Average {
				continue
			}
			for _, term := range u.Requantizer.M {
				for c, m := range term {
					if bits.OnesCount64(uint64(max(m, -m))) > 1 {
						t.Errorf("seed %d: %s multiplies channel %d by %d", seed, u.Name, c, m)
					}
				}
			}
		}
	}
}
