// SPDX-License-Identifier: Apache-2.0

package datasets

import "math"

// light changes brightness and contrast: v becomes mean + (1+c)(v − mean) + 255 b, rounded and within 0 to 255, with c
// and b drawn for the image.
func (f *filler) light(image []uint8) {
	o := &f.options
	if o.Brightness == 0 && o.Contrast == 0 {
		return
	}
	gain, offset := 1+f.uniform(o.Contrast), 255*f.uniform(o.Brightness)
	sum := 0
	for _, v := range image {
		sum += int(v)
	}
	mean := float64(sum) / float64(len(image))
	for v := range f.values {
		f.values[v] = clamp(int(math.Floor(float64(gain*(float64(v)-mean)) + mean + offset + 0.5)))
	}
	for i, v := range image {
		image[i] = f.values[v]
	}
}

// addNoise adds noise to every value: a sum of four uniform numbers, which is nearly normal.
func (f *filler) addNoise(image []uint8) {
	if f.options.Noise == 0 {
		return
	}
	// The sum of four numbers of 0 to 255 has the mean 510 and the variance 4·(256²−1)/12.
	scale := int(math.Round(255 * f.options.Noise / math.Sqrt(4*(256*256-1)/12.0) * (1 << 16)))
	for i := 0; i < len(image); i += 2 {
		bits := f.random.Uint64()
		for k := i; k < min(i+2, len(image)); k++ {
			n := int(bits&255 + bits>>8&255 + bits>>16&255 + bits>>24&255)
			bits >>= 32
			image[k] = clamp(int(image[k]) + ((n-510)*scale+1<<15)>>16)
		}
	}
}

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }
