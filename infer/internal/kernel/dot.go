// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh dot"
//go:generate sh -c "cd _asm && ./generate.sh dotneon arm64"

// Limits of a tile: its work, so that threads share a layer, its accumulators and its buffer, so that they stay in the
// caches.
const (
	tileWork   = 1 << 21
	tileAcc    = 1 << 14
	tileBuffer = 1 << 17
)

const panel = 16 // output channels of one call of a dot product

// A dotForm is a kind of product of rows of codes with a panel of weights.
type dotForm struct {
	name     string
	width    int                     // bytes of a code in the buffer
	together int                     // taps of a channel that are next to each other in memory
	less     int32                   // what the products subtract from the codes
	products [dotRows + 1]dotProduct // by the number of rows
}

// A dotProduct adds products of rows of codes with a panel of weights to start, so many rows at a time:
//
//	acc[r][c] = start[c] + Σ (x[r][k] - less)·w[k][c]
//
// Row r of x starts offsets[r] bytes behind x and has height parts of 4·steps bytes, each part skip bytes behind the end
// of the one before. Rows of acc are stride bytes apart.
type dotProduct = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip int)

// A dotBlock is a dotProduct whose sums of block steps fit int16.
type dotBlock = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip, block int)

// withBlock returns the form with products of so many steps a block.
func (f dotForm) withBlock(products [dotRows + 1]dotBlock, block int) *dotForm {
	for n, product := range products {
		f.products[n] = func(acc *int32, stride int, x *uint8, offsets *int32, tiles int, w *int8, start *int32, height, steps, skip int) {
			product(acc, stride, x, offsets, tiles, w, start, height, steps, skip, block)
		}
	}
	return &f
}

// dotPlan is a convolution as products of rows of codes with panels of 16 output channels.
type dotPlan struct {
	tiling
	form    *dotForm
	inPlace bool    // rows of a flat product are whole steps of bytes, read where they are
	height  int     // parts of a product: the lines of the kernel
	steps   int     // of one part, each of 4 bytes of codes
	skip    int     // bytes in the buffer from the end of a part to the next
	offsets []int32 // in the buffer, of the rows of a tile
	weights []int8  // [panel][height][taps of a part / together][16][together], zeros behind the taps and the channels
	start   []int32 // [channel]: (less - zero)·Σ w; zeros behind the channels
}

func newDot(c Conv, weights []int8, form *dotForm) *dotPlan {
	p := &dotPlan{tiling: newTiling(c, form.width, panel), form: form}
	p.height = c.KH
	taps, perStep := c.KW*c.InC, 4/p.width
	p.steps = (taps + perStep - 1) / perStep
	p.inPlace = p.flat && p.width == 1 && taps == 4*p.steps
	p.pack(weights, taps)
	p.cut()
	p.skip = p.pitch() - 4*p.steps
	for i := range p.rows {
		p.offsets = append(p.offsets, int32(p.offset(i)))
	}
	return p
}

// pitch and offset of a flat product are those of rows of whole steps.
func (p *dotPlan) pitch() int {
	if p.flat {
		return 4 * p.steps
	}
	return p.band.pitch()
}

func (p *dotPlan) offset(row int) int {
	if p.flat {
		return row * p.pitch()
	}
	return p.band.offset(row)
}

// panelSize returns the weights of a panel.
func (p *dotPlan) panelSize() int { return p.height * p.steps * panel * 4 / p.width }

func (p *dotPlan) pack(weights []int8, taps int) {
	panels, together := (p.c.OutC+panel-1)/panel, p.form.together
	p.weights = make([]int8, panels*p.panelSize())
	p.start = make([]int32, panels*panel)
	for o := range p.c.OutC {
		for ky := range p.height {
			line := weights[(o*p.height+ky)*taps:][:taps]
			to := p.weights[o/panel*p.panelSize()+ky*p.panelSize()/p.height+o%panel*together:]
			sum := int32(0)
			for _, w := range line {
				sum += int32(w)
			}
			p.start[o] += (p.form.less - p.c.Zero) * sum
			for ; len(line) > together; line = line[together:] {
				copy(to, line[:together])
				to = to[panel*together:]
			}
			copy(to, line)
		}
	}
}

// cut chooses the size of tiles.
func (p *dotPlan) cut() {
	p.channels = min(p.padded(p.c.OutC), 256)
	rows := tileAcc / p.channels
	if p.c.Pixels() == 1 { // few rows: tiles share the channels
		p.channels = min(p.channels, 128)
	} else {
		rows = min(rows, tileWork/(p.steps*p.height*4/p.width*p.channels))
	}
	if p.flat {
		rows = min(rows, tileBuffer/p.pitch())
		p.rows = max(dotRows, rows/dotRows*dotRows)
		return
	}
	p.limit(rows, tileBuffer)
	p.rows = p.lines * p.c.OutW
}

func (p *dotPlan) Name() string { return p.form.name }

func (p *dotPlan) Needs() Needs {
	if p.inPlace {
		return Needs{}
	}
	if p.flat {
		return Needs{Bytes: p.rows * p.pitch()}
	}
	return Needs{Bytes: p.band.height(p.lines)*p.pitch() + 4} // the last step can read behind the last tap
}

func (p *dotPlan) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	p.products(acc, p.codes(x, t, s.Bytes), t)
}

// codes returns the codes under the kernel at the rows of a tile, in the layout of the offsets.
func (p *dotPlan) codes(x []uint8, t Tile, buffer []uint8) []uint8 {
	n := p.c.InC
	switch {
	case p.inPlace:
		return x[t.Row*n:]
	case p.flat:
		for r := range t.Rows { // what is behind the codes of a row meets weights of 0
			copyCodes(buffer[r*p.pitch():][:n*p.width], x[(t.Row+r)*n:], p.width)
		}
	default:
		p.copy(buffer, x, t.Row, t.Rows)
	}
	return buffer
}

// products fills acc from codes.
func (p *dotPlan) products(acc []int32, x []uint8, t Tile) {
	whole := t.Rows / dotRows * dotRows
	for first := 0; first < t.Channels; first += panel {
		w, start := p.weights[(t.Channel+first)/panel*p.panelSize():][:p.panelSize()], p.start[t.Channel+first:][:panel]
		if whole > 0 {
			p.dot(dotRows, acc[first:], t.Stride, x, p.offsets[:whole], w, start)
		}
		if whole < t.Rows {
			p.dot(t.Rows-whole, acc[whole*t.Stride+first:], t.Stride, x, p.offsets[whole:t.Rows], w, start)
		}
	}
}

// dot multiplies rows of codes with one panel, n at a time.
func (p *dotPlan) dot(n int, acc []int32, stride int, x []uint8, offsets []int32, w []int8, start []int32) {
	rows := len(offsets)
	end := int(offsets[rows-1]) + p.height*(p.steps*4+p.skip) - p.skip
	_, _ = acc[(rows-1)*stride+panel-1], x[end-1]
	p.form.products[n](&acc[0], 4*stride, &x[0], &offsets[0], rows/n, &w[0], &start[0], p.height, p.steps, p.skip)
}
