// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// table lowers a table: a change of scale, or any function as steps up and steps down.
func (q *qonnx) table(o *qmodel.Operator) agreement.Statement {
	flat := q.values[o.Inputs[0]].flat
	_, note := q.looked(o, o.Inputs[0], o.Table, flat)
	q.give(o.Output, flat)
	return agreement.Statement{Agreement: agreement.Exact, Note: note}
}

// concatenate lowers a concatenation.
func (q *qonnx) concatenate(o *qmodel.Operator) agreement.Statement {
	flat, note := q.values[o.Inputs[0]].flat, ""
	var inputs []string
	for i, in := range o.Inputs {
		x := q.in(in, flat)
		if o.Tables[i] != nil {
			var of string
			if x, of = q.looked(o, in, o.Tables[i], flat); of != "" {
				note = of
			}
		}
		inputs = append(inputs, x)
	}
	q.op(q.shape(o.Output, flat), "Concat", inputs, integer("axis", 1))
	q.give(o.Output, flat)
	return agreement.Statement{Agreement: agreement.Exact, Note: note}
}

// looked brings tensor in to the codes of the operator's output by a table, and says what is special about the nodes.
func (q *qonnx) looked(o *qmodel.Operator, in int, table []uint8, flat bool) (y, note string) {
	if factor, ok := q.rescales(o, in, table); ok {
		y = q.op(q.shape(in, flat), "Mul", []string{q.in(in, flat), q.float32s("factor", nil, factor)})
		return q.quantized(&q.model.Tensors[o.Output], y, q.shape(in, flat)), ""
	}
	return q.staircase(o, in, table, flat), "MultiThreshold, which FINN reads and hls4ml does not"
}

// rescales says whether a table is a change of scale, and by which factor.
func (q *qonnx) rescales(o *qmodel.Operator, in int, table []uint8) (factor float32, ok bool) {
	x, t := &q.model.Tensors[in], &q.model.Tensors[o.Output]
	factor = math.Float32frombits(x.ScaleBits) / math.Float32frombits(t.ScaleBits)
	lo, hi := t.Span()
	for i, want := range table {
		code := int32(i) & x.Max() // of the table of any channel
		v := math.RoundToEven(float64(float32(code-x.ZeroPoint)*factor)) + float64(t.ZeroPoint)
		if min(max(v, float64(lo)), float64(hi)) != float64(want) {
			return 0, false
		}
	}
	return factor, !t.Signs
}

// staircase lowers a table, of all channels or of each, to MultiThreshold nodes, which count the thresholds that a number
// reaches: what it has risen from code 0 on, less what it has fallen.
func (q *qonnx) staircase(o *qmodel.Operator, in int, table []uint8, flat bool) string {
	x, t, shape := &q.model.Tensors[in], &q.model.Tensors[o.Output], q.shape(in, flat)
	unit, zero := 1, int(t.ZeroPoint)
	if t.Signs { // 2·code - 1
		unit, zero = 2, 0
	}
	each := int(x.Max()) + 1
	channels := len(table) / each
	up, down, first := make([][]float32, channels), make([][]float32, channels), make([]float32, channels)
	for c := range channels {
		codes := table[c*each:][:each]
		first[c] = float32(unit*(int(codes[0])-zero) - (unit - 1))
		for code := 1; code < each; code++ {
			rise, threshold := int(codes[code])-int(codes[code-1]), []float32{float32(int32(code) - x.ZeroPoint)}
			up[c] = append(up[c], slices.Repeat(threshold, max(0, rise))...)
			down[c] = append(down[c], slices.Repeat(threshold, max(0, -rise))...)
		}
	}
	beyond := float32(int32(each) - x.ZeroPoint)
	y := q.op(shape, "Add", []string{q.count(shape, q.in(in, flat), up, beyond, unit), q.float32s("first", broadcast(channels, flat), first...)})
	if slices.ContainsFunc(down, func(list []float32) bool { return len(list) > 0 }) {
		y = q.op(shape, "Sub", []string{y, q.count(shape, q.in(in, flat), down, beyond, unit)})
	}
	return y
}

// count adds a node that counts the thresholds, of all channels or of each, that a number reaches, times unit. Channels with
// fewer thresholds get some that are beyond every number.
func (q *qonnx) count(shape []int64, x string, thresholds [][]float32, beyond float32, unit int) string {
	var all []float32
	most := 1
	for _, list := range thresholds {
		most = max(most, len(list))
	}
	for _, list := range thresholds {
		all = append(append(all, list...), slices.Repeat([]float32{beyond}, most-len(list))...)
	}
	y := q.op(shape, "MultiThreshold", []string{x, q.float32s("thresholds", []int64{int64(len(thresholds)), int64(most)}, all...)},
		text("out_dtype", fmt.Sprint("UINT", bits.Len(uint(unit*most)))),
		onnxproto.Attribute{Name: "out_scale", Kind: onnxproto.Float, Float: float32(unit)})
	q.graph.Nodes[len(q.graph.Nodes)-1].Domain = onnxproto.QONNX
	return y
}
