// SPDX-License-Identifier: Apache-2.0

package simd128

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

const lanes = 8 // output channels of a block

// Limits of a tile: its accumulators and its buffer, so that they stay in the caches. A call from Go takes about as
// long as 10,000 products, so tiles are not small.
const tileAcc, tileBuffer = 1 << 15, 1 << 17

// dotPlan is a convolution as products of rows of codes with blocks of eight output channels.
type dotPlan struct {
	vector.Layout
	height  int     // parts of a product: the lines of the kernel
	steps   int     // of one part, each of four codes
	offsets []int32 // of the rows of a tile
	weights []int8  // see dotBytes; zeros after the taps and the channels
	start   []int32 // [channel]: -zero·Σ w; zeros after the channels
}

func newDot(c kernel.Conv, weights []int8) kernel.Plan {
	taps := c.KW * c.InC
	d := &dotPlan{height: c.KH, steps: (taps + 3) / 4}
	d.Layout = vector.NewLayout(c, 1, lanes, 4*d.steps, true)
	d.pack(weights, taps)
	d.cut()
	d.offsets = d.Offsets(1)
	return d
}

// blockSize returns the weights of a block.
func (p *dotPlan) blockSize() int { return p.height * p.steps * 4 * lanes }

func (p *dotPlan) pack(weights []int8, taps int) {
	channels := p.Padded(p.C.OutC)
	p.weights, p.start = make([]int8, channels/lanes*p.blockSize()), make([]int32, channels)
	for o := range p.C.OutC {
		for ky := range p.height {
			to := p.weights[o/lanes*p.blockSize()+ky*p.steps*4*lanes:]
			for k, w := range weights[(o*p.height+ky)*taps:][:taps] {
				to[(k/4*2+k%2)*2*lanes+o%lanes*2+k%4/2] = w
				p.start[o] -= p.C.Zero * int32(w)
			}
		}
	}
}

// cut chooses the size of tiles.
func (p *dotPlan) cut() {
	p.Channels = min(p.Padded(p.C.OutC), 1024)
	rows := max(1, tileAcc/p.Channels)
	if p.Flat {
		p.Rows = max(1, min(rows, tileBuffer/p.Line))
		return
	}
	p.Limit(rows, tileBuffer)
	p.Rows = p.Lines * p.C.OutW
}

func (p *dotPlan) Name() string { return "simd128 16-bit" }

func (p *dotPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	x = p.Codes(x, t, s.Bytes)
	at := t.Channel / lanes * p.blockSize()
	skip := p.Line - 4*p.steps // bytes from the end of a part to the next
	end := int(p.offsets[t.Rows-1]) + p.height*p.Line - skip
	_, _, _ = acc[t.Rows*t.Stride-1], x[end-1], p.weights[at+t.Stride/lanes*p.blockSize()-1]
	dotBytes(&acc[0], 4*t.Stride, &x[0], &p.offsets[0], t.Rows, t.Stride/lanes, &p.weights[at], &p.start[t.Channel], p.height, p.steps, skip)
}
