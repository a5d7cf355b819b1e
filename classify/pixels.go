// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"fmt"
	"os"
)

// Pixels returns the pixels of image files, brought to a size and a number of channels,
// one image after the other.
func Pixels(paths []string, height, width, channels int) (all []uint8, err error) {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		image, _, err := limits.Read(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, image.Recolor(channels).Resize(height, width).Pixels...)
	}
	return all, nil
}
