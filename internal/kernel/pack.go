// SPDX-License-Identifier: Apache-2.0

package kernel

// pack writes steps [k0, k1) of a panel of the weights: the columns from n0 of
// group g, zeros beyond the group.
func (r *correlation) pack(panel, w []float32, c *class, g, n0, k0, k1 int) {
	cols := min(tileCols, r.dstGroup-n0)
	w = w[g*(len(w)/r.groups)+n0*r.column:]
	for k := k0; k < k1; {
		i := k % c.run
		n := min(c.run-i, k1-k)
		out, in := panel[(k-k0)*tileCols:], w[c.runs[k/c.run]+i*c.spacing:]
		if r.column == 1 {
			gather(out, in, c.spacing, cols, n)
		} else {
			transpose(out, in, r.column, cols, n)
		}
		k += n
	}
}

// transpose writes the first k elements of cols rows of src, stride apart, as
// the columns of a panel, with zeros in the columns beyond.
func transpose(panel, src []float32, stride, cols, k int) {
	from := 0
	if tier > Portable && cols == tileCols {
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

// gather writes cols columns of n rows of src, pitch apart, as a panel, with
// zeros in the columns beyond.
func gather(panel, src []float32, pitch, cols, n int) {
	if cols < tileCols {
		clear(panel[:n*tileCols])
	}
	copyRows(panel, tileCols, src, pitch, cols, n)
}

// copyRows copies rows of n elements between memories in which they are a
// pitch apart.
func copyRows(dst []float32, dstPitch int, src []float32, srcPitch, n, rows int) {
	from := 0
	if tier > Portable {
		from = vectorCopyRows(dst, dstPitch, src, srcPitch, n, rows)
	}
	if from == n {
		return
	}
	for i := range rows {
		copy(dst[i*dstPitch+from:][:n-from], src[i*srcPitch+from:])
	}
}
