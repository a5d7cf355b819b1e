// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import "github.com/goqat/goqat/infer/internal/kernel"

// Two neighbours of a line can be one row of the products, with twice the channels: those of the second neighbour come from a
// kernel that is moved by a pixel. Rows of codes are longer then and half as many, for as many products.

// merges says whether that is better: where a line of the kernel has as many slices with another pixel, and tiles stay full.
func merges(c kernel.Conv) bool {
	wider := c
	wider.KW++
	_, each := sliced(c)
	_, eachWider := sliced(wider)
	return c.KW > 1 && c.StrideW == 1 && c.OutW%(2*mostTall) == 0 && c.OutC%lanes == 0 && c.OutC <= 128 && each == eachWider
}

// merge returns the convolution on pairs of pixels, and its weights.
func merge(c kernel.Conv, weights []int8) (kernel.Conv, []int8) {
	d := c
	d.KW, d.StrideW, d.OutW, d.OutC = c.KW+1, 2, c.OutW/2, 2*c.OutC
	wide := make([]int8, d.OutC*d.KH*d.KW*d.InC)
	for o := range c.OutC {
		for ky := range c.KH {
			line := weights[(o*c.KH+ky)*c.KW*c.InC:][:c.KW*c.InC]
			for second := range 2 {
				copy(wide[(((second*c.OutC+o)*c.KH+ky)*d.KW+second)*c.InC:], line)
			}
		}
	}
	return d, wide
}

// outer returns a tile of the products as one of the output.
func (p *dotPlan) outer(t kernel.Tile) kernel.Tile {
	n := p.pixels // with 2 of them, tiles have all channels
	return kernel.Tile{Row: n * t.Row, Rows: n * t.Rows, Channel: t.Channel, Channels: t.Channels / n, Stride: t.Stride / n}
}

// inner is the inverse of outer.
func (p *dotPlan) inner(t kernel.Tile) kernel.Tile {
	n := p.pixels
	return kernel.Tile{Row: t.Row / n, Rows: t.Rows / n, Channel: t.Channel, Channels: n * t.Channels, Stride: n * t.Stride}
}
