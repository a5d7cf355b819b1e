// SPDX-License-Identifier: Apache-2.0

package kernel

const cacheLine = 64 // bytes

// fetch asks for memory that is read or written soon, all whole lines of it but one.
func fetch(memory []uint8) {
	if tier > Portable {
		vectorFetch(memory)
	}
}

// An ahead asks for memory of coming work, part after part, while something else is computed.
// A processor foresees the next lines of a tensor only within a page, and begins anew at
// every block.
type ahead struct {
	memory      [2][]uint8
	parts, done int
}

// part asks for the next part.
func (a *ahead) part() {
	for _, m := range a.memory {
		lines := len(m) / cacheLine
		fetch(m[a.done*lines/a.parts*cacheLine : (a.done+1)*lines/a.parts*cacheLine])
	}
	a.done++
}

// source returns the memory of what a block reads of src, rows between its images included.
func (r *correlation) source(src *Values, b blockRange) []uint8 {
	first := r.top + b.strip*r.step
	from, to := max(0, first), min(r.srcH, first+r.winH)
	row := r.srcW * r.srcC
	return src.bytes((b.image*r.srcH+from)*row, ((b.images-1)*r.srcH+max(0, to-from))*row)
}

// result returns the memory of the results of a block.
func (r *correlation) result(dst []float32, b blockRange) []uint8 {
	row := r.dstW * r.dstC
	return Bytes(dst[(b.image*r.dstH+b.row)*row:][:((b.images-1)*r.dstH+b.rows)*row])
}
