// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// A product of tiles takes as long for a few bytes of a row as for 64. So where all codes under a kernel are no more, the lines
// under it become one line, for each line of the output: its columns have the codes of a column of the kernel, which then
// has one line, and one slice.

// columns says whether a convolution is better so: first layers, of few channels, under kernels of more than three lines. With
// three, columns take longer to make than the two products that they save (3 × 3 on 32 × 32 × 3: 3.4 µs for 2.8, an Intel Xeon).
func columns(c kernel.Conv) bool {
	return c.KH > 3 && c.KW > 1 && c.KH <= 8 && c.InC <= 16 && c.KH*c.KW*c.InC <= mostDeep
}

// stand returns the convolution on such columns.
func stand(c kernel.Conv) kernel.Conv {
	d := c
	d.InH, d.InW, d.InC = c.OutH, (c.OutW-1)*c.StrideW+c.KW, c.KH*c.InC
	d.KH, d.StrideH, d.Top, d.Left = 1, 1, 0, 0
	return d
}

// standing returns the weights of a convolution, [channel][line][column][input channel], as its columns meet them:
// [channel][column][line][input channel].
func standing(c kernel.Conv, weights []int8) []int8 {
	columns := make([]int8, 0, len(weights))
	for o := range c.OutC {
		for kx := range c.KW {
			for ky := range c.KH {
				columns = append(columns, weights[((o*c.KH+ky)*c.KW+kx)*c.InC:][:c.InC]...)
			}
		}
	}
	return columns
}

// upright is the lines of a convolution and what makes columns of them.
type upright struct {
	vector.Band
	emulated bool
	by       *avx512.Interleaving
}

// newUpright prepares the columns of a convolution, in bands of so many lines.
func newUpright(c kernel.Conv, lines int, emulated bool) *upright {
	u := &upright{Band: vector.Band{C: c, Width: 1, Lines: lines}, emulated: emulated}
	u.by = avx512.NewInterleaving(c.KH, c.InC, u.Pitch())
	return u
}

// slack is what the columns take after those of a buffer: the lines that they are made of.
func (u *upright) slack() int {
	return avx512.InterleaveSlack + u.Height(u.Lines)*u.Pitch() + max(avx512.PadSlack, avx512.InterleaveSlack)
}

// fill is a vector.Layout's Fill.
func (u *upright) fill(b *vector.Band, buffer, x []uint8, row, rows int) {
	lines, width := rows/b.C.OutW, b.C.InW*u.C.InC
	standing := b.Height(lines) * b.Pitch()
	flat := buffer[standing+avx512.InterleaveSlack:]
	if u.emulated {
		u.Copy(flat, x, row, rows)
	} else {
		avx512.Pad(&u.Band, flat, x, row, rows)
	}
	for line := range lines {
		from := flat[line*u.C.StrideH*u.Pitch():]
		to := buffer[line*b.Pitch():]
		if !u.emulated {
			u.by.Run(to, from, b.C.InW)
			continue
		}
		for i := range width {
			for ky := range u.C.KH {
				to[(i/u.C.InC*u.C.KH+ky)*u.C.InC+i%u.C.InC] = from[ky*u.Pitch()+i]
			}
		}
	}
}
