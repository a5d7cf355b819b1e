// SPDX-License-Identifier: Apache-2.0

package datasets

import "fmt"

// maxSide is the largest height or width of an image that a network is trained on.
const maxSide = 1024

// String is the shape as height x width x channels, as in "28x28x1".
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.Height, s.Width, s.Channels) }

func (s Shape) check() error {
	if s.Height < 1 || s.Height > maxSide || s.Width < 1 || s.Width > maxSide || (s.Channels != 1 && s.Channels != 3) {
		return fmt.Errorf("images of %v; height and width are 1 to %d, channels 1 or 3", s, maxSide)
	}
	return nil
}
