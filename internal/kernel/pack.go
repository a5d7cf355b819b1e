// SPDX-License-Identifier: Apache-2.0

package kernel

// pack writes steps [k0, k1) of a panel, tileCols wide, of the weights: the
// channels from n0 of group g of the result, zeros beyond the group.
// Stride is the distance of the weights of neighbouring columns.
func (r *correlation) pack(panel, w []float32, c *class, stride, g, n0, k0, k1 int) {
	cols := min(tileCols, r.dstGroup-n0)
	base := n0 * stride
	if !r.perChannel {
		base += g * len(w) / r.groups
	}
	offsets := c.weights[k0:k1]
	if stride == 1 && cols == tileCols {
		for k, offset := range offsets {
			*(*[tileCols]float32)(panel[k*tileCols:]) = [tileCols]float32(w[base+int(offset):])
		}
		return
	}
	if cols < tileCols {
		clear(panel[:len(offsets)*tileCols])
	}
	for n := range cols {
		in := w[base+n*stride:]
		for k, offset := range offsets {
			panel[k*tileCols+n] = in[offset]
		}
	}
}
