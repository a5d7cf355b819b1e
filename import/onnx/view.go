// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/network"
)

// An axis is one of the three of a tensor of a network, which lies in memory as height × width × channels.
type axis uint8

const (
	rows axis = iota
	columns
	channels
)

// A factor is a part of an axis: size positions, so far from each other.
type factor struct {
	axis       axis
	size, step int
}

// A view is how a file sees a tensor of the network: each dimension of the file's tensor is factors of axes, the slowest
// first, and none where the dimension is 1, as the batch is. A transposition reorders the dimensions and a reshape regroups
// the factors, so that neither needs an operator: the weights of the layer that reads the view are put in the tensor's order
// instead.
type view struct {
	tensor *network.Tensor
	dims   [][]factor
	shared bool    // somebody else may read the tensor, too
	pad    [4]int  // zeros around it, which the window that reads it takes over: top, left, bottom, right
	affine *affine // of the image: what has been done to its values
}

// size returns the extent of an axis of a tensor.
func size(t *network.Tensor, a axis) int { return [...]int{t.Height, t.Width, t.Channels}[a] }

// whole returns all of an axis as factors.
func whole(t *network.Tensor, a axis) []factor {
	if n := size(t, a); n > 1 {
		return []factor{{a, n, 1}}
	}
	return nil
}

// planes returns the view of a tensor as batch, channels and the dimensions of images or, if flat, of signals.
func planes(t *network.Tensor, rank int) view {
	v := view{tensor: t, dims: [][]factor{nil, whole(t, channels), whole(t, rows), whole(t, columns)}}
	switch rank {
	case 3:
		v.dims = slices.Delete(v.dims, 2, 3)
	case 2:
		v.dims = v.dims[:2]
	}
	return v
}

// isPlanes says whether v is what planes returns.
func (v view) isPlanes() bool {
	t := v.tensor
	if len(v.dims) < 2 || len(v.dims) > 4 || len(v.dims) == 3 && t.Height > 1 || len(v.dims) == 2 && t.Height*t.Width > 1 {
		return false
	}
	return sameDims(v.dims, planes(t, len(v.dims)).dims)
}

func sameDims(a, b [][]factor) bool { return slices.EqualFunc(a, b, slices.Equal[[]factor]) }

// onto returns the view of another tensor of the same height and width, with all channels where v has all.
func (v view) onto(t *network.Tensor) (view, error) {
	w := view{tensor: t}
	for _, d := range v.dims {
		d = slices.Clone(d)
		for i, f := range d {
			if f.axis == channels && t.Channels != v.tensor.Channels {
				if f.size != v.tensor.Channels {
					return w, fmt.Errorf("its channels are divided among dimensions")
				}
				d[i].size = t.Channels
			}
		}
		w.dims = append(w.dims, merge(d))
	}
	return w, nil
}

// resized returns the view of a tensor of another height or width, which it has whole where v has all rows or all columns.
func (v view) resized(t *network.Tensor) view {
	w := view{tensor: t}
	for d, f := range v.dims {
		switch {
		case d > 0 && len(f) > 0 && v.covers(f, rows):
			f = whole(t, rows)
		case d > 0 && len(f) > 0 && v.covers(f, columns):
			f = whole(t, columns)
		}
		w.dims = append(w.dims, f)
	}
	return w
}

// merge joins neighbouring factors that make one.
func merge(list []factor) []factor {
	var merged []factor
	for _, f := range list {
		if f.size == 1 {
			continue
		}
		if n := len(merged); n > 0 && merged[n-1].axis == f.axis && merged[n-1].step == f.size*f.step {
			merged[n-1] = factor{f.axis, merged[n-1].size * f.size, f.step}
			continue
		}
		merged = append(merged, f)
	}
	return merged
}

// count returns the size of a dimension.
func count(d []factor) int {
	n := 1
	for _, f := range d {
		n *= f.size
	}
	return n
}

// reshape regroups the factors to dimensions of the given sizes.
func (v view) reshape(dims []int) (view, error) {
	w := v
	w.dims = nil
	rest := slices.Concat(v.dims...)
	for _, n := range dims {
		var d []factor
		for have := 1; have < n; {
			if len(rest) == 0 {
				return w, fmt.Errorf("%v are not its numbers", dims)
			}
			f := rest[0]
			want := n / have
			if n%have != 0 || f.size%want != 0 && want%f.size != 0 {
				return w, fmt.Errorf("%v divide an axis of %d positions", dims, f.size)
			}
			if f.size <= want {
				d, rest, have = append(d, f), rest[1:], have*f.size
				continue
			}
			inner := f.size / want
			d, have = append(d, factor{f.axis, want, f.step * inner}), n
			rest = append([]factor{{f.axis, inner, f.step}}, rest[1:]...)
		}
		w.dims = append(w.dims, merge(d))
	}
	if len(rest) > 0 {
		return w, fmt.Errorf("%v are not its numbers", dims)
	}
	return w, nil
}

// flat returns the view of a tensor that was made a vector.
func (v view) flat(t *network.Tensor) view {
	w := view{tensor: t}
	for _, d := range v.dims {
		var list []factor
		for _, f := range d {
			list = append(list, factor{channels, f.size, f.step * stride(v.tensor, f.axis)})
		}
		w.dims = append(w.dims, merge(list))
	}
	return w
}

// stride returns how far neighbours along an axis are from each other in memory.
func stride(t *network.Tensor, a axis) int {
	return [...]int{t.Width * t.Channels, t.Channels, 1}[a]
}

// positions returns where in the tensor, of memory order, each index of a dimension is.
func (v view) positions(d []factor) []int {
	list := []int{0}
	for _, f := range d {
		next := make([]int, 0, len(list)*f.size)
		for _, at := range list {
			for i := range f.size {
				next = append(next, at+i*f.step*stride(v.tensor, f.axis))
			}
		}
		list = next
	}
	return list
}

// covers says whether a dimension has every position of the given axes, and of no others.
func (v view) covers(d []factor, axes ...axis) bool {
	n := 1
	for _, a := range axes {
		n *= size(v.tensor, a)
	}
	for _, f := range d {
		if !slices.Contains(axes, f.axis) {
			return false
		}
	}
	return count(d) == n
}

// channelDim returns the dimension of the channels, -1 if it has other factors, too, or is divided.
func (v view) channelDim() int {
	for i, d := range v.dims {
		if i > 0 && len(d) > 0 && v.covers(d, channels) {
			return i
		}
	}
	if v.tensor.Channels == 1 && len(v.dims) > 1 && len(v.dims[1]) == 0 {
		return 1
	}
	return -1
}
