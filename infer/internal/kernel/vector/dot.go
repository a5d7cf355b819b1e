// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// Limits of a tile: its work, so that threads share a layer, its accumulators and its buffer, so that they stay in the
// caches.
const (
	TileWork   = 1 << 21
	TileAcc    = 1 << 14
	TileBuffer = 1 << 17
)

// Panel is the output channels of one call of a dot product.
const Panel = 16

// A Dot is a kind of product of rows of codes with a panel of weights.
type Dot struct {
	Name     string
	Width    int       // bytes of a code in the buffer
	Together int       // taps of a channel that are next to each other in memory
	Less     int32     // what the products subtract from the codes
	Products []Product // by the number of rows at a time, from 1 on; index 0 is not used
}

// A Product adds products of rows of codes with a panel of weights to start, so many rows at a time:
//
//	acc[r][c] = start[c] + Σ (x[r][k] - Less)·w[k][c]
//
// Row r of x starts offsets[r] bytes after x and has height parts of 4·steps bytes, each part skip bytes after the end of
// the one before. Rows of acc are stride bytes apart.
type Product = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip int)

// A BlockProduct is a Product whose sums of block steps fit int16.
type BlockProduct = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip, block int)

// WithBlock returns the kind with products of so many steps a block.
func (d Dot) WithBlock(products []BlockProduct, block int) *Dot {
	d.Products = make([]Product, len(products))
	for n, product := range products {
		d.Products[n] = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip int) {
			product(acc, stride, x, offsets, tiles, w, start, height, steps, skip, block)
		}
	}
	return &d
}

// rows returns the rows that are multiplied at a time.
func (d *Dot) rows() int { return len(d.Products) - 1 }

// dotPlan is a convolution as products of rows of codes with panels of 16 output channels.
type dotPlan struct {
	Layout
	dot     *Dot
	height  int     // parts of a product: the lines of the kernel
	steps   int     // of one part, each of 4 bytes of codes
	offsets []int32 // of the rows of a tile
	weights []int8  // [panel][height][taps of a part / together][16][together], zeros after the taps and the channels
	start   []int32 // [channel]: (less - zero)·Σ w; zeros after the channels
}

// NewDot prepares a convolution of one group by products of a kind.
func (p *Processor) NewDot(c kernel.Conv, weights []int8, dot *Dot) kernel.Plan {
	return p.newDot(c, weights, dot, true)
}

func (p *Processor) newDot(c kernel.Conv, weights []int8, dot *Dot, inPlace bool) *dotPlan {
	taps, perStep := c.KW*c.InC, 4/dot.Width
	d := &dotPlan{dot: dot, height: c.KH, steps: (taps + perStep - 1) / perStep}
	d.Layout = NewLayout(c, dot.Width, Panel, 4*d.steps, inPlace)
	d.Widen = p.Widen
	d.pack(weights, taps)
	d.cut()
	d.offsets = d.Offsets(1)
	return d
}

// panelSize returns the weights of a panel.
func (p *dotPlan) panelSize() int { return p.height * p.steps * Panel * 4 / p.Width }

func (p *dotPlan) pack(weights []int8, taps int) {
	panels, together := (p.C.OutC+Panel-1)/Panel, p.dot.Together
	p.weights = make([]int8, panels*p.panelSize())
	p.start = make([]int32, panels*Panel)
	for o := range p.C.OutC {
		for ky := range p.height {
			line := weights[(o*p.height+ky)*taps:][:taps]
			to := p.weights[o/Panel*p.panelSize()+ky*p.panelSize()/p.height+o%Panel*together:]
			sum := int32(0)
			for _, w := range line {
				sum += int32(w)
			}
			p.start[o] += (p.dot.Less - p.C.Zero) * sum
			for ; len(line) > together; line = line[together:] {
				copy(to, line[:together])
				to = to[Panel*together:]
			}
			copy(to, line)
		}
	}
}

// cut chooses the size of tiles.
func (p *dotPlan) cut() {
	p.Channels = min(p.Padded(p.C.OutC), 256)
	rows := TileAcc / p.Channels
	if p.C.Pixels() == 1 { // few rows: tiles share the channels
		p.Channels = min(p.Channels, 128)
	} else {
		rows = min(rows, TileWork/(p.steps*p.height*4/p.Width*p.Channels))
	}
	if p.Flat {
		rows = min(rows, TileBuffer/p.Line)
		each := p.dot.rows()
		p.Rows = max(each, rows/each*each)
		return
	}
	p.Limit(rows, TileBuffer)
	p.Rows = p.Lines * p.C.OutW
}

func (p *dotPlan) Name() string { return p.dot.Name }

func (p *dotPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	p.products(acc, p.Codes(x, t, s.Bytes), t)
}

// products fills acc from codes.
func (p *dotPlan) products(acc []int32, x []uint8, t kernel.Tile) {
	each := p.dot.rows()
	whole := t.Rows / each * each
	for first := 0; first < t.Channels; first += Panel {
		w, start := p.weights[(t.Channel+first)/Panel*p.panelSize():][:p.panelSize()], p.start[t.Channel+first:][:Panel]
		if whole > 0 {
			p.multiply(each, acc[first:], t.Stride, x, p.offsets[:whole], w, start)
		}
		if whole < t.Rows {
			p.multiply(t.Rows-whole, acc[whole*t.Stride+first:], t.Stride, x, p.offsets[whole:t.Rows], w, start)
		}
	}
}

// multiply multiplies rows of codes with one panel, n at a time.
func (p *dotPlan) multiply(n int, acc []int32, stride int, x []uint8, offsets []int32, w []int8, start []int32) {
	rows := len(offsets)
	skip := p.Line - 4*p.steps // bytes from the end of a part to the next
	end := int(offsets[rows-1]) + p.height*p.Line - skip
	_, _ = acc[(rows-1)*stride+Panel-1], x[end-1]
	p.dot.Products[n](&acc[0], 4*stride, &x[0], &offsets[0], rows/n, &w[0], &start[0], p.height, p.steps, skip)
}
