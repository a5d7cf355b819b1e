// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"github.com/goqat/goqat/energy"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/qmodel"
)

// Model describes an integer model, run by the named kernels, "" for the fastest. It is an error if there are no such kernels,
// or if the model is not valid.
func Model(q *qmodel.Model, kernel string) (*Description, error) {
	m, err := infer.New(q)
	if err != nil {
		return nil, err
	}
	r, err := m.NewRunner(infer.Options{Kernel: kernel, Work: m.Work()})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	d := &Description{
		Kind: "qmodel", Version: q.Version, Model: q.Name, Method: q.Method, Classes: q.Classes,
		Input: [3]int{q.Input.Height, q.Input.Width, q.Input.Channels}, ArenaBytes: m.ArenaBytes(1),
	}
	for i, l := range r.Layers() {
		d.Layers = append(d.Layers, Layer{
			Name: l.Name, Operator: l.Operator, Method: l.Method, WeightBits: l.WeightBits, ActivationBits: l.ActivationBits,
			Shape: append([]int{}, l.Shape...), Output: l.Output, MACs: l.MACs, Bytes: l.Bytes, AccumulatorBits: l.AccumulatorBits, Kernel: l.Kernel,
			work: operatorWork(q, i),
		})
		if w := q.Operators[i].Weights; w != nil {
			d.Layers[i].Packing = string(w.Packing)
		}
	}
	d.estimate()
	return d, nil
}

// operatorWork returns what operator i does for one image.
func operatorWork(q *qmodel.Model, i int) energy.Layer {
	o := &q.Operators[i]
	in, out := &q.Tensors[o.Inputs[0]], &q.Tensors[o.Output]
	w := energy.Layer{MACs: q.MACs(i), InputBits: in.Bits}
	if o.Aliases() { // the same numbers in the same place
		return w
	}
	if o.Weights != nil {
		n := int64(o.Weights.Len())
		w.Weights = energy.Numbers{Values: n, Bits: n * int64(o.Weights.Bits)}
		w.WeightBits = o.Weights.Bits * max(1, o.Weights.Planes)
	}
	for _, t := range append([]int{o.Output}, o.Inputs...) {
		n := int64(q.Tensors[t].Len())
		w.Activations.Values += n
		w.Activations.Bits += n * int64(q.Tensors[t].Bits)
	}
	outputs := int64(out.Len())
	if o.Adds() {
		w.Adds = outputs * int64(len(o.Inputs)-1)
	}
	if o.Averages() {
		w.Adds = outputs * int64(o.Kernel[0]*o.Kernel[1])
	}
	return w
}
