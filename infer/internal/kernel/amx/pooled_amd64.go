// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
)

// pooledCodes is a plan with its end and a max pooling of 2 × 2 pixels after it. Where codes do not fall as sums grow, the
// greatest code of four pixels is the code of the greatest sum: a quarter of the sums become codes.
type pooledCodes struct {
	*dotCodes
	offsets []int32 // of tiles of rows, of two lines in turn
	output  int
}

// Pool implements kernel.Pooler. Blocks have a tile of rows of each of two lines, and two of channels.
func (d *dotCodes) Pool(w *kernel.Window, output int) kernel.Fused {
	two := w.KH == 2 && w.KW == 2 && w.StrideH == 2 && w.StrideW == 2 && w.Top == 0 && w.Left == 0 && 2*w.OutH == w.InH && 2*w.OutW == w.InW
	if !two || d.Flat || d.pixels > 1 || d.tall%2 > 0 || d.Lines%2 > 0 || d.C.OutC%(2*lanes) > 0 || len(d.end.Others) > 0 {
		return nil
	}
	for _, m := range d.end.Multipliers()[0] {
		if m < 0 {
			return nil
		}
	}
	end := d.end
	if end.Signs { // as codes 0 and 1
		codes, _ := kernel.AsCodes(end.Epilogue)
		if end = endOf(avx512.Set.Finish(codes), d.start[:d.C.OutC]); end == nil {
			return nil
		}
	}
	p := &pooledCodes{dotCodes: &dotCodes{d.dotPlan, end, d.finish}, output: output}
	for line := 0; line < d.Lines; line += 2 {
		for x := 0; x < d.C.OutW; x += d.tall {
			first := line*d.C.OutW + x
			p.offsets = append(p.offsets, int32(d.Offset(first)), int32(d.Offset(first+d.C.OutW)))
		}
	}
	return p
}

func (p *pooledCodes) Run(t kernel.Tile, x []uint8, tensors []kernel.Tensor, s *kernel.Scratch) {
	const pixels = 4 // of a window
	dst := tensors[p.output].Codes[t.Row/pixels*p.C.OutC:][:t.Rows/pixels*p.C.OutC]
	to := target{end: p.end, dst: dst, scratch: alignedScratch(s), pools: true}
	p.multiply(to, p.Codes(x, t, s.Bytes), t, blocking{2, 2}, p.tall, p.offsets, 0, t.Rows/(2*p.tall))
}
