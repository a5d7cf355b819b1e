// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"strings"
)

// Bits writes the bits of a layer as w4a8, as a8 without weights.
func (l *Layer) Bits() string {
	if l.WeightBits == 0 {
		return fmt.Sprintf("a%d", l.ActivationBits)
	}
	return fmt.Sprintf("w%da%d", l.WeightBits, l.ActivationBits)
}

// A KernelUse is how many layers with weights a kernel runs.
type KernelUse struct {
	Kernel string
	Layers int
}

// Kernels says how many layers with weights each kernel runs, in the order of the
// layers.
func (d *Description) Kernels() (uses []KernelUse) {
	at := map[string]int{}
	for _, l := range d.Layers {
		if l.WeightBits == 0 || l.Kernel == "" {
			continue
		}
		i, known := at[l.Kernel]
		if !known {
			i = len(uses)
			at[l.Kernel] = i
			uses = append(uses, KernelUse{Kernel: l.Kernel})
		}
		uses[i].Layers++
	}
	return uses
}

// Accumulators says how wide the accumulators are, in words, "" where there are none.
func (d *Description) Accumulators() string {
	all, narrow, widest := 0, 0, 0
	for _, l := range d.Layers {
		if l.AccumulatorBits > 0 {
			all++
			widest = max(widest, l.AccumulatorBits)
		}
		if l.AccumulatorBits > 0 && l.AccumulatorBits <= 16 {
			narrow++
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("accumulators of %d of %d layers fit 16 bits, the widest has %d", narrow, all, widest)
}

// Dimensions writes a shape as 28x28x1, "-" for none.
func Dimensions(shape []int) string {
	if len(shape) == 0 {
		return "-"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
}
