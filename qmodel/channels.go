// SPDX-License-Identifier: Apache-2.0

package qmodel

import "fmt"

// Selects returns which channel of the input of a select is channel c of its output, which has so many channels.
func (o *Operator) Selects(c, channels int) int {
	return o.First + c%o.Shuffle*(channels/o.Shuffle) + c/o.Shuffle
}

// validateSelect checks a choice of channels, whose tensors and fields are valid.
func (o *Operator) validateSelect(in, out *Tensor) error {
	switch {
	case in.Height != out.Height || in.Width != out.Width:
		return fmt.Errorf("the input is %d×%d, the output %d×%d", in.Height, in.Width, out.Height, out.Width)
	case o.First < 0 || o.First > in.Channels-out.Channels:
		return fmt.Errorf("%d channels from channel %d on of %d", out.Channels, o.First, in.Channels)
	case out.Channels%o.Shuffle != 0:
		return fmt.Errorf("%d channels shuffled by %d", out.Channels, o.Shuffle)
	}
	return nil
}

// validateUpsample checks an upsampling, whose tensors and fields are valid.
func (o *Operator) validateUpsample(in, out *Tensor) error {
	if in.Height*o.Factor[0] != out.Height || in.Width*o.Factor[1] != out.Width || in.Channels != out.Channels {
		return fmt.Errorf("%d×%d×%d enlarged %v times is not %d×%d×%d", in.Height, in.Width, in.Channels, o.Factor, out.Height, out.Width, out.Channels)
	}
	return nil
}
