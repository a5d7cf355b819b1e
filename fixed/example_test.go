// SPDX-License-Identifier: Apache-2.0

package fixed_test

import (
	"fmt"

	"github.com/goqat/goqat/fixed"
)

// The accumulators of a layer become codes of 4 bits by a multiplier of 3/8, 3 units of 2^-3:
// rounding is to the nearest, ties go to even, and what is beyond the range is clamped.
func ExampleRequantizer_Apply() {
	r := fixed.Requantizer{M: [][]int64{{3}}, Bias: []int64{0}, AccBias: []int32{0}, Shift: []uint8{3}, Zero: 2, Lo: 0, Hi: 15}
	for _, accumulator := range []int64{-8, 0, 4, 12, 20, 100} {
		fmt.Println(accumulator, r.Apply(0, accumulator))
	}
	// Output:
	// -8 0
	// 0 2
	// 4 4
	// 12 6
	// 20 10
	// 100 15
}
