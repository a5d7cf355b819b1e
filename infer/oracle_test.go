// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"math/big"

	"github.com/goqat/goqat/qmodel"
)

// evaluate computes every tensor of a model for one image from the definitions in the documentation of qmodel, in
// int64 and big integers. It shares no code with the runtime.
func evaluate(m *qmodel.Model, image []uint8) [][]int64 {
	values := make([][]int64, len(m.Tensors))
	for _, q := range image {
		values[0] = append(values[0], int64(q))
	}
	for i := range m.Operators {
		o := &m.Operators[i]
		out := &m.Tensors[o.Output]
		result := make([]int64, 0, out.Len())
		for y := range out.Height {
			for x := range out.Width {
				for c := range out.Channels {
					result = append(result, evaluateOne(m, o, values, y, x, c))
				}
			}
		}
		values[o.Output] = result
	}
	return values
}

func evaluateOne(m *qmodel.Model, o *qmodel.Operator, values [][]int64, y, x, c int) int64 {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	// at returns an input code, and whether it is inside of the image.
	at := func(y, x, c int) (int64, bool) {
		if y < 0 || y >= in.Height || x < 0 || x >= in.Width {
			return int64(in.ZeroPoint), false
		}
		return values[o.Inputs[0]][(y*in.Width+x)*in.Channels+c], true
	}
	flat := (y*out.Width+x)*out.Channels + c
	var terms []int64
	switch {
	case o.Op == qmodel.Flatten:
		return values[o.Inputs[0]][flat]
	case o.Op == qmodel.Table:
		return int64(o.Table[values[o.Inputs[0]][flat]])
	case o.Op != qmodel.Add:
		var most, sum, acc int64
		for ky := range o.Kernel[0] {
			for kx := range o.Kernel[1] {
				iy, ix := y*o.Stride[0]+ky-o.Pad[0], x*o.Stride[1]+kx-o.Pad[1]
				if o.Weights == nil {
					q, inside := at(iy, ix, c)
					if inside {
						most = max(most, q)
					}
					sum += q - int64(in.ZeroPoint)
					continue
				}
				each := o.Weights.Shape[3]
				group := c / (out.Channels / o.Groups)
				for k := range each {
					q, _ := at(iy, ix, group*each+k)
					acc += (q - int64(in.ZeroPoint)) * int64(o.Weights.Codes[((c*o.Kernel[0]+ky)*o.Kernel[1]+kx)*each+k])
				}
			}
		}
		switch {
		case o.Op == qmodel.MaxPool:
			return most
		case o.Op == qmodel.AvgPool:
			acc = sum
		}
		if out.Kind == qmodel.Accumulators {
			return acc
		}
		terms = append(terms, acc)
	}
	for _, t := range o.Inputs[len(terms):] {
		terms = append(terms, values[t][flat]-int64(m.Tensors[t].ZeroPoint))
	}
	return requantize(o, out, terms, c)
}

// requantize is clamp(zero + RNE(sum·2^-shift)) with the rounding of big rationals: floor(v + 1/2), less 1 where that
// is a tie and odd.
func requantize(o *qmodel.Operator, out *qmodel.Tensor, terms []int64, c int) int64 {
	r := o.Requantizer
	sum := big.NewInt(r.Bias[c])
	for i, a := range terms {
		if i == 0 {
			a += int64(r.AccBias[c])
		}
		sum.Add(sum, new(big.Int).Mul(big.NewInt(a), big.NewInt(r.M[i][c])))
	}
	twice := new(big.Int).Lsh(big.NewInt(1), uint(r.Shift[c])+1)
	sum.Lsh(sum, 1).Add(sum, new(big.Int).Rsh(twice, 1)) // (2·sum + 2^s) / 2^(s+1)
	q, rest := sum.DivMod(sum, twice, new(big.Int))
	if rest.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	q.Add(q, big.NewInt(int64(out.ZeroPoint)))
	low, high := big.NewInt(0), big.NewInt(int64(1)<<out.Bits-1)
	if out.Kind == qmodel.Logits {
		low, high = big.NewInt(-1<<31), big.NewInt(1<<31-1)
	}
	switch {
	case q.Cmp(low) < 0:
		return low.Int64()
	case q.Cmp(high) > 0:
		return high.Int64()
	}
	return q.Int64()
}
