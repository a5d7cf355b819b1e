// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
)

// A Window describes a pooling of NHWC images.
type Window struct {
	InH, InW, C              int // input height, width, channels
	KH, KW                   int // window height, width
	StrideH, StrideW         int
	Top, Left, Bottom, Right int // rows and columns around the input, less than the window; they never win
}

// OutH returns the height of the output.
func (w Window) OutH() int { return (w.InH+w.Top+w.Bottom-w.KH)/w.StrideH + 1 }

// OutW returns the width of the output.
func (w Window) OutW() int { return (w.InW+w.Left+w.Right-w.KW)/w.StrideW + 1 }

// InSize returns the number of elements of one input image.
func (w Window) InSize() int { return w.InH * w.InW * w.C }

// OutSize returns the number of elements of one output image.
func (w Window) OutSize() int { return w.OutH() * w.OutW() * w.C }

// Validate reports the first thing that makes w no pooling.
func (w Window) Validate() error {
	c := Conv{w.InH, w.InW, w.C, w.C, w.KH, w.KW, w.StrideH, w.StrideW, w.Top, w.Left, w.Bottom, w.Right, w.C}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("kernel: pooling as %w", err)
	}
	if w.Top >= w.KH || w.Bottom >= w.KH || w.Left >= w.KW || w.Right >= w.KW {
		return errors.New("kernel: pooling: padding as large as the window leaves a window empty")
	}
	return nil
}
