// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import "github.com/goqat/goqat/infer/internal/kernel"

// multiplyRow computes the sums of one row of codes, for the channels of a tile of a flat plan. Tiles of weights are what VPDPBUSD
// takes, too, four codes at a time, which waits less for them where nothing is multiplied but a row.
func (p *dotPlan) multiplyRow(acc []int32, x []uint8, t kernel.Tile) {
	panels := t.Stride / lanes
	start, weights := p.start[t.Channel:][:t.Stride], p.weights[t.Channel/lanes*p.pitch:][:panels*p.pitch]
	if !p.emulated {
		dotRow(&acc[0], &start[0], &x[0], &weights[0], p.pitch, len(x)/4, panels)
		return
	}
	for c := range acc {
		acc[c] = start[c]
		for k, q := range x {
			acc[c] += int32(q) * int32(weights[c/lanes*p.pitch+k/4*4*lanes+c%lanes*4+k%4])
		}
	}
}
