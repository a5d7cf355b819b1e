// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"

	"github.com/goqat/goqat/geometry"
)

// A Pooling describes a pooling of NHWC images. Its padding is less than the window
// and never wins.
type Pooling struct {
	InH, InW, C int // input height, width, channels
	geometry.Window
}

// OutH returns the height of the output.
func (w Pooling) OutH() int {
	h, _ := w.Output(w.InH, w.InW)
	return h
}

// OutW returns the width of the output.
func (w Pooling) OutW() int {
	_, v := w.Output(w.InH, w.InW)
	return v
}

// InSize returns the number of elements of one input image.
func (w Pooling) InSize() int { return w.InH * w.InW * w.C }

// OutSize returns the number of elements of one output image.
func (w Pooling) OutSize() int { return w.OutH() * w.OutW() * w.C }

// Validate reports the first thing that makes w no pooling.
func (w Pooling) Validate() error {
	c := Conv{w.InH, w.InW, w.C, w.C, w.Window}
	c.Groups = w.C
	if err := c.Validate(); err != nil {
		return fmt.Errorf("kernel: pooling as %w", err)
	}
	if w.Dilated() != [2]int{1, 1} {
		return errors.New("kernel: pooling: dilation, which only convolutions have")
	}
	if w.Pad[0] >= w.Kernel[0] || w.Pad[2] >= w.Kernel[0] || w.Pad[1] >= w.Kernel[1] || w.Pad[3] >= w.Kernel[1] {
		return errors.New("kernel: pooling: padding as large as the window leaves a window empty")
	}
	return nil
}
