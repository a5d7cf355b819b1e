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
	switch {
	case stride == 1 && cols == tileCols:
		for k, offset := range offsets {
			*(*[tileCols]float32)(panel[k*tileCols:]) = [tileCols]float32(w[base+int(offset):])
		}
	case c.dense:
		transpose(panel, w[base+k0:], stride, cols, len(offsets))
	default:
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
}

// transpose writes the first k elements of cols rows of src, stride apart, as
// the columns of a panel, with zeros in the columns beyond.
func transpose(panel, src []float32, stride, cols, k int) {
	from := 0
	if useAVX2 && cols == tileCols {
		from = vectorTranspose(panel, src, stride, k)
	}
	for n := range tileCols {
		if n >= cols {
			for i := from; i < k; i++ {
				panel[i*tileCols+n] = 0
			}
			continue
		}
		for i, v := range src[n*stride:][from:k] {
			panel[(from+i)*tileCols+n] = v
		}
	}
}

// gather writes columns n0 to min(n1, n0+tileCols) of n rows of src, stride
// apart, as a panel, with zeros in the columns beyond.
func gather(panel, src []float32, stride, n0, n1, n int) {
	cols := min(tileCols, n1-n0)
	if cols == tileCols {
		for i := range n {
			*(*[tileCols]float32)(panel[i*tileCols:]) = [tileCols]float32(src[i*stride+n0:])
		}
		return
	}
	clear(panel[:n*tileCols])
	for i := range n {
		copy(panel[i*tileCols:][:cols], src[i*stride+n0:])
	}
}

// gatherRows writes n rows of src, stride apart and cols long, cut into pieces
// of tileRows columns: piece by piece, each [n, tileRows], with zeros in the
// columns beyond.
func gatherRows(dst, src []float32, stride, cols, n int) {
	for at := 0; at < cols; at += tileRows {
		out := dst[at*n:][:n*tileRows]
		if wide := cols - at; wide < tileRows {
			clear(out)
			for i := range n {
				copy(out[i*tileRows:][:wide], src[i*stride+at:])
			}
			continue
		}
		for i := range n {
			*(*[tileRows]float32)(out[i*tileRows:]) = [tileRows]float32(src[i*stride+at:])
		}
	}
}
