// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// WeightScale returns the float32 s > 0 for which fl32(fl32(x·s) / y) is m, as runtimes find the multiplier of an
// accumulator from the scales x of the input, s of the weights and y of the output; or the nearest there is. m is positive.
func WeightScale(x, y float32, m float64) float32 {
	const least, most = 0x1p-126, math.MaxFloat32
	first := float32(min(max(m*float64(y)/float64(x), least), most))
	best, error := first, math.Inf(1)
	up, down := first, first
	for range 7 {
		for _, s := range []float32{up, down} {
			if e := math.Abs(float64(Multiplier(x, s, y)) - m); e < error && s >= least && s <= most {
				best, error = s, e
			}
		}
		up, down = math.Nextafter32(up, most), math.Nextafter32(down, 0)
	}
	return best
}
