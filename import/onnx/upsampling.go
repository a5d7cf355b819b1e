// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// enlarge is an upsampling by nearest neighbours, a whole number of times.
func enlarge(i *importer, n *onnxproto.Node) error {
	v, err := i.real(n, 0)
	if err != nil {
		return err
	}
	x, dims := v.tensor, i.program.Tensors[n.Outputs[0]].Dims
	o := network.Operator{Kind: network.Upsampling, Factor: [2]int{1, 1}}
	for d, size := range dims {
		a, have := rows, count(v.dims[d])
		switch {
		case size == have:
			continue
		case d > 0 && v.covers(v.dims[d], columns) && !v.covers(v.dims[d], rows):
			a = columns
		case d > 0 && v.covers(v.dims[d], rows):
		default:
			return misfitf("a Resize of rows and columns", "it resizes another dimension")
		}
		if size%have != 0 {
			return misfitf("a whole number of times as large", "it makes %d of %d", size, have)
		}
		o.Factor[a] = size / have
	}
	if !repeats(n, i.opset()) {
		return misfitf("coordinate_transformation_mode asymmetric and nearest_mode floor", "its neighbours are not those of repeated rows and columns")
	}
	t := i.add(n, o, x.Height*o.Factor[0], x.Width*o.Factor[1], x.Channels, x)
	i.set(n.Outputs[0], v.resized(t))
	return nil
}

// repeats says whether a resizing by a whole number repeats rows and columns.
func repeats(n *onnxproto.Node, opset int64) bool {
	places, rounding := "half_pixel", "round_prefer_floor"
	if opset < 11 {
		places, rounding = "asymmetric", "floor"
	}
	places, rounding = n.Text("coordinate_transformation_mode", places), n.Text("nearest_mode", rounding)
	switch places {
	case "asymmetric":
		return rounding == "floor"
	case "half_pixel", "pytorch_half_pixel":
		return rounding == "round_prefer_floor" || rounding == "round_prefer_ceil"
	}
	return false
}
