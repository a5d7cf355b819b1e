// SPDX-License-Identifier: Apache-2.0

package onnx

import "math"

// steps returns |m|·2^-shift, a multiplier in steps of the output.
func steps(m int64, shift uint8) float64 {
	return math.Ldexp(math.Abs(float64(m)), -int(shift))
}
