// SPDX-License-Identifier: Apache-2.0

package kernel

const (
	minPixels = 192      // result pixels a block should have
	maxWindow = 24 << 10 // floats a window should have at most
	maxPanel  = 320      // steps of a panel that stay in the first-level cache
	minTasks  = 16       // tiles of work a pass should have
	maxOffset = 1 << 30  // floats of a block, whose offsets are kept in 32 bits

	crowdedPitch = 1024          // floats of a row whose multiples put a column into one set of a first-level cache
	apartPitch   = maxPanel + 16 // distance of the rows of a copy, an odd number of lines
	apartTasks   = 4             // tiles of work a pass that makes copies should have
)

// A correlation is a forward or backward-input pass as tables: a result
// [dstH, dstW, dstC] computed from a source [srcH, srcW, srcC] with packed
// weights. It is done in blocks, each some whole images or a strip of rows of
// one image.
type correlation struct {
	srcH, srcW, srcC int
	dstH, dstW, dstC int

	groups, srcGroup, dstGroup int // groups, and channels of one; a depthwise layer is one group here
	perChannel                 bool
	matrix                     bool // a matrix product: single pixels and one tap

	images, rows, strips int  // images of a block; rows of a strip, strips of an image
	top, left            int  // source position of the first window, negative in the padding
	step                 int  // source rows from a strip's window to the next
	winH, winW           int  // window of one image of a block
	direct               bool // the source itself serves as the window

	apart []int32 // of a matrix whose rows crowd a cache, offsets of the rows of a copy that do not

	classes []class
	column  int // distance of the weights of neighbouring columns
	packed  int // floats of packed weights
}

// A class is the pixels of a block that meet the same taps.
type class struct {
	src, dst  []int32 // offsets of each pixel in window and result
	pitch     int     // fours of src
	steps     []int32 // offset of every product from the pixel's
	taps      []int   // kernel positions in the order of steps
	runs      []int   // offsets of the weights of steps, for column 0: the first of every run of steps,
	run       int     // whose length this is,
	spacing   int     // the others this far apart
	perImage  int     // pixels of one image of a block
	perRow    int     // pixels of one row
	stripRows []int   // result rows of a strip, ascending
	packed    int     // where its packed weights begin
}

// newForward returns the tables of y = x * w. Where copied, the source itself never serves
// as the window.
func newForward(c Conv, batch int, copied bool) *correlation {
	r := &correlation{
		srcH: c.InH, srcW: c.InW, srcC: c.InC,
		dstH: c.OutH(), dstW: c.OutW(), dstC: c.OutC,
	}
	r.channels(c, c.InC, c.OutC)
	r.block(batch, 1, c.Stride[0]*(c.InW+c.Pad[1]+c.Pad[3])*c.InC)
	h := c.along(0).forward(r.rows)
	w := c.along(1).forward(r.dstW)
	r.step = r.rows * c.Stride[0]
	r.window(h, w, (r.dstH-1)*c.Stride[0]+c.along(0).extent(), copied)
	r.column = c.Weights() / c.OutC
	r.tables(h, w)
	for i := range r.classes {
		c := &r.classes[i]
		c.runs, c.run, c.spacing = []int{0}, len(c.steps), 1
	}
	return r
}

// newBackwardInput returns the tables of the gradient of x: dy correlated with
// the flipped weights. Where copied, the source itself never serves as the window.
func newBackwardInput(c Conv, batch int, copied bool) *correlation {
	r := &correlation{
		srcH: c.OutH(), srcW: c.OutW(), srcC: c.OutC,
		dstH: c.InH, dstW: c.InW, dstC: c.InC,
	}
	r.channels(c, c.OutC, c.InC)
	r.block(batch, c.Stride[0], (c.OutW()+c.along(1).extent())*c.OutC/c.Stride[0])
	h := c.along(0).backward(r.rows)
	w := c.along(1).backward(r.dstW)
	r.step = r.rows / c.Stride[0]
	whole := c.along(0).backward(r.dstH)
	r.window(h, w, whole.size, copied)
	perOutput := c.Weights() / c.OutC
	r.column = 1
	if r.perChannel {
		r.column = perOutput
	}
	r.tables(h, w)
	for i := range r.classes {
		class := &r.classes[i]
		class.run, class.spacing = r.deep(), perOutput
		for _, tap := range class.taps {
			class.runs = append(class.runs, tap*(c.InC/c.Groups))
		}
	}
	return r
}

func (r *correlation) channels(c Conv, src, dst int) {
	r.groups, r.srcGroup, r.dstGroup = c.Groups, src/c.Groups, dst/c.Groups
	if c.depthwise() {
		r.perChannel, r.groups, r.srcGroup, r.dstGroup = true, 1, src, dst
	}
	r.matrix = r.srcH*r.srcW*r.dstH*r.dstW*c.Kernel[0]*c.Kernel[1] == 1
}

// block chooses images, rows and strips: a strip starts at a multiple of
// stride rows, and rowSize floats of the source belong to a row of the result.
func (r *correlation) block(batch, stride, rowSize int) {
	fit := max(1, maxWindow/max(rowSize, 1))
	r.images, r.rows, r.strips = 1, r.dstH, 1
	if fit < r.dstH {
		strips := (r.dstH + fit - 1) / fit
		rows := (r.dstH + strips - 1) / strips
		r.rows = min(r.dstH, (rows+stride-1)/stride*stride)
		r.strips = (r.dstH + r.rows - 1) / r.rows
		return
	}
	pixels := r.dstH * r.dstW
	r.images = min((minPixels+pixels-1)/pixels, max(1, fit/r.dstH))
	if r.matrix {
		r.images = minPixels
	}
	most := maxOffset / max(r.srcH*r.srcW*r.srcC, pixels*r.dstC)
	r.images = max(1, min(r.images, batch, most))
	if r.matrix && r.srcC%crowdedPitch == 0 {
		for i := range r.images {
			r.apart = append(r.apart, int32(i*apartPitch))
		}
	}
}

// window lays out the window of a block; whole is the height of the window of
// a whole image. Where copied, the window is a copy.
func (r *correlation) window(h, w axis, whole int, copied bool) {
	r.top, r.left, r.winH, r.winW = h.start, w.start, h.size, w.size
	r.direct = !copied && h.start >= 0 && w.start >= 0 && h.start+whole <= r.srcH && w.start+w.size <= r.srcW &&
		(!r.perChannel || r.srcC%tileCols == 0)
	if r.direct {
		r.winH, r.winW = r.srcH, r.srcW
	}
}

// deep returns the channels of the source that go into one of the result.
func (r *correlation) deep() int {
	if r.perChannel {
		return 1
	}
	return r.srcGroup
}

// tables fills the classes, one for each pair of phases, but for their weights.
func (r *correlation) tables(h, w axis) {
	at := 0
	if r.direct {
		at = (r.top*r.srcW + r.left) * r.srcC
	}
	for _, ph := range h.phases {
		for _, pw := range w.phases {
			c := class{perImage: len(ph.result) * len(pw.result), perRow: len(pw.result), stripRows: ph.result, packed: r.packed}
			if c.perImage == 0 {
				continue
			}
			for n := range r.images {
				for i, y := range ph.result {
					for j, x := range pw.result {
						c.src = append(c.src, int32(((n*r.winH+ph.window[i])*r.winW+pw.window[j])*r.srcC+at))
						c.dst = append(c.dst, int32(((n*r.dstH+y)*r.dstW+x)*r.dstC))
					}
				}
			}
			c.pitch = fours(c.src)
			for i, kh := range ph.taps {
				for j, kw := range pw.taps {
					c.taps = append(c.taps, kh*w.kernel+kw)
					for ch := range r.deep() {
						c.steps = append(c.steps, int32((i*ph.distance*r.winW+j*pw.distance)*r.srcC+ch))
					}
				}
			}
			r.packed += r.groups * r.panels() * tileCols * len(c.steps)
			r.classes = append(r.classes, c)
		}
	}
}

// panels returns the panels of result channels of a group.
func (r *correlation) panels() int { return (r.dstGroup + tileCols - 1) / tileCols }

// scratch returns the floats a block's window, or its copy, needs, in whole cache lines.
func (r *correlation) scratch() int {
	if r.direct {
		return len(r.apart) * apartPitch
	}
	return (r.images*r.winH*r.winW*r.srcC + 2*tileCols - 1) &^ (tileCols - 1)
}

// blocks returns the number of blocks of a batch.
func (r *correlation) blocks(batch int) int {
	return (batch + r.images - 1) / r.images * r.strips
}

// A blockRange says which images and rows a block has.
type blockRange struct{ image, images, strip, row, rows int }

func (r *correlation) at(block, batch int) blockRange {
	image, strip := block/r.strips*r.images, block%r.strips
	row := strip * r.rows
	return blockRange{image, min(r.images, batch-image), strip, row, min(r.rows, r.dstH-row)}
}

// pixels returns how many of the class's pixels the block has.
func (c *class) pixels(b blockRange) int {
	if b.images > 1 || b.rows > c.stripRows[len(c.stripRows)-1] {
		return b.images * c.perImage
	}
	n := 0
	for _, row := range c.stripRows {
		if row < b.rows {
			n += c.perRow
		}
	}
	return n
}

// load returns the window of a block of src, in buf unless direct: with real numbers or,
// for the inverse of a step, whole numbers of steps. Codes have no direct window.
func (r *correlation) load(buf []float32, src *Values, b blockRange, inverse float32) []float32 {
	image := r.srcH * r.srcW * r.srcC
	if r.direct {
		return src.Real[b.image*image+b.strip*r.step*r.srcW*r.srcC:]
	}
	line := r.winW * r.srcC
	from, to := max(0, r.left), min(r.srcW, r.left+r.winW)
	before := (from - r.left) * r.srcC
	after := before + max(0, to-from)*r.srcC
	for n := range b.images {
		for i := range r.winH {
			out := buf[(n*r.winH+i)*line:][:line]
			row := r.top + b.strip*r.step + i
			if row < 0 || row >= r.srcH || to <= from {
				clear(out)
				continue
			}
			in := (b.image+n)*image + (row*r.srcW+from)*r.srcC
			clear(out[:before])
			switch inside := out[before:after]; {
			case inverse == 0:
				src.Read(inside, in)
			case src.Codes == nil:
				WholeSteps(inside, src.Real[in:], inverse)
			default:
				ReadCodes(inside, src.Codes[in:], src.Zero, 1)
			}
			clear(out[after:])
		}
	}
	return buf
}
