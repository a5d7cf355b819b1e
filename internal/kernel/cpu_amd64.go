// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

// best is the fastest tier of this machine.
var best = detect()

// tier is the one in use.
var tier = chosen(best)

func detect() Tier {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return Portable
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL || !x.HasBMI2:
		return AVX2
	case !x.HasAVX512VNNI:
		return AVX512
	default:
		return AVX512VNNI
	}
}

func setVectors(t Tier) { tier = t }
