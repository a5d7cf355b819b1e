// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

func (t *integerTiling) runVector() {}

func vectorWholeSteps(dst, src []float32, inverse float32) int { return 0 }

func vectorCodes(dst []int16, src []float32, inverse float32) (n int, numbers bool) { return 0, true }

func vectorNarrowCodes(dst []uint8, src []float32, inverse float32, zero uint8) (n int, numbers bool) {
	return 0, true
}

func vectorReadCodes(dst []float32, src []uint8, zero uint8, step float32) int { return 0 }

func vectorWidenCodes(dst []int16, src []uint8, zero uint8) int { return 0 }
