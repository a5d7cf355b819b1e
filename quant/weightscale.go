// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// WeightScale returns the float32 s > 0 for which fl32(fl32(x·s) / y) is m, as runtimes find the multiplier of an
// accumulator from the scales x of the input, s of the weights and y of the output; or the nearest there is. m is positive.
func WeightScale(x, y float32, m float64) float32 {
	const smallest, greatest = 0x1p-126, math.MaxFloat32
	first := float32(min(max(m*float64(y)/float64(x), smallest), greatest))
	best, off := first, math.Inf(1)
	up, down := first, first
	for range 7 { // two roundings move it by less than as many units in the last place
		for _, s := range []float32{up, down} {
			if d := math.Abs(float64(Multiplier(x, s, y)) - m); d < off && s >= smallest && s <= greatest {
				best, off = s, d
			}
		}
		up, down = math.Nextafter32(up, greatest), math.Nextafter32(down, 0)
	}
	return best
}
