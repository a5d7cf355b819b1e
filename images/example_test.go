// SPDX-License-Identifier: Apache-2.0

package images_test

import (
	"fmt"

	"github.com/goqat/goqat/images"
)

func ExampleImage_Resize() {
	m := images.Image{Height: 2, Width: 4, Channels: 1, Pixels: []uint8{
		0, 10, 200, 201,
		20, 30, 202, 203,
	}}
	fmt.Println(m.Resize(1, 2).Pixels)
	// Output: [15 202]
}
