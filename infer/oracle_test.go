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
	steps := make([]*big.Rat, len(m.Tensors)) // of tensors that have one for each image
	for i := range m.Operators {
		o := &m.Operators[i]
		out := &m.Tensors[o.Output]
		switch {
		case o.Op == qmodel.Online:
			steps[o.Output] = stepOf(out, values[o.Inputs[0]])
		case o.Op == qmodel.MaxPool || o.Op == qmodel.Flatten || o.Op == qmodel.Select || o.Op == qmodel.Upsample || out.Kind == qmodel.Accumulators:
			steps[o.Output] = steps[o.Inputs[0]]
		}
		result := make([]int64, 0, out.Len())
		for y := range out.Height {
			for x := range out.Width {
				for c := range out.Channels {
					result = append(result, evaluateOne(m, o, values, steps, y, x, c))
				}
			}
		}
		values[o.Output] = result
	}
	return values
}

func evaluateOne(m *qmodel.Model, o *qmodel.Operator, values [][]int64, steps []*big.Rat, y, x, c int) int64 {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	// at returns an input code, for padding that of zero or of -1, and whether it is inside of the image.
	at := func(y, x, c int) (int64, bool) {
		if y < 0 || y >= in.Height || x < 0 || x >= in.Width {
			return int64(in.Zero(c)), false
		}
		return values[o.Inputs[0]][(y*in.Width+x)*in.Channels+c], true
	}
	flat := (y*out.Width+x)*out.Channels + c
	var terms []int64
	switch {
	case o.Op == qmodel.Flatten:
		return values[o.Inputs[0]][flat]
	case o.Op == qmodel.Concat:
		for i, t := range o.Inputs {
			if n := m.Tensors[t].Channels; c >= n {
				c -= n
				continue
			}
			q := values[t][(y*out.Width+x)*m.Tensors[t].Channels+c]
			if o.Tables[i] != nil {
				q = int64(o.Tables[i][q])
			}
			return q
		}
	case o.Op == qmodel.Online:
		return codeOf(out, steps[o.Output], values[o.Inputs[0]][flat])
	case o.Op == qmodel.Table:
		return int64(o.Table[c*(int(in.Max())+1)%len(o.Table)+int(values[o.Inputs[0]][flat])])
	case o.Op == qmodel.Select:
		rows, columns := out.Channels/o.Shuffle, o.Shuffle // written row by row, read column by column
		q, _ := at(y, x, o.First+c%columns*rows+c/columns)
		return q
	case o.Op == qmodel.Upsample:
		q, _ := at(y/o.Factor[0], x/o.Factor[1], c)
		return q
	case o.Op == qmodel.Multiply:
		other := &m.Tensors[o.Inputs[1]]
		at := flat
		if other.Height*other.Width == 1 {
			at = c
		}
		product := (values[o.Inputs[0]][flat] - int64(in.ZeroPoint)) * (values[o.Inputs[1]][at] - int64(other.ZeroPoint))
		if out.Signs {
			return compare(o, []int64{product}, c)
		}
		return requantize(o, out, make([]*big.Rat, 1), []int64{product}, c)
	case o.Weights != nil:
		terms = weigh(m, o, at, y, x, c)
		if out.Kind == qmodel.Accumulators {
			return terms[0]
		}
	case o.Op != qmodel.Add && o.Op != qmodel.Sign:
		var most, sum, inside, whole int64
		for ky := range o.Kernel[0] {
			for kx := range o.Kernel[1] {
				iy, ix := y*o.Stride[0]+ky-o.Pad[0], x*o.Stride[1]+kx-o.Pad[1]
				q, within := at(iy, ix, c)
				if within {
					most = max(most, q)
					inside++
				}
				sum += q - int64(in.ZeroPoint)
			}
		}
		if o.Op == qmodel.MaxPool {
			return most
		}
		if whole = inside; o.Pad != [4]int{} && !o.CountPad {
			whole = common(o, in, out)
		}
		terms = append(terms, sum*(whole/inside))
	}
	others := o.Inputs
	if len(terms) > 0 {
		others = o.Inputs[1:]
	}
	for _, t := range others {
		terms = append(terms, values[t][flat]-int64(m.Tensors[t].ZeroPoint))
	}
	if out.Signs {
		return compare(o, terms, c)
	}
	return requantize(o, out, scales(o, steps, len(terms)), terms, c)
}

// stepOf is the step between codes of an image: the greatest fraction, of its values on either side of 0, by the codes there.
func stepOf(codes *qmodel.Tensor, values []int64) *big.Rat {
	step := new(big.Rat)
	for _, v := range values {
		side := int64(codes.Max() - codes.ZeroPoint)
		if v < 0 {
			v, side = -v, int64(codes.ZeroPoint)
		}
		if side == 0 {
			continue
		}
		if s := big.NewRat(v, side); s.Cmp(step) > 0 {
			step = s
		}
	}
	return step
}

// codeOf is the code of a value in an image of the given step.
func codeOf(codes *qmodel.Tensor, step *big.Rat, v int64) int64 {
	if step.Sign() == 0 {
		return int64(codes.ZeroPoint)
	}
	q := round(new(big.Rat).Quo(big.NewRat(v, 1), step))
	q.Add(q, big.NewInt(int64(codes.ZeroPoint)))
	switch {
	case q.Sign() < 0:
		return 0
	case q.Cmp(big.NewInt(int64(codes.Max()))) > 0:
		return int64(codes.Max())
	}
	return q.Int64()
}

// round returns the nearest integer, ties to even: floor(x + 1/2), less 1 where that is a tie and odd.
func round(x *big.Rat) *big.Int {
	x = new(big.Rat).Add(x, big.NewRat(1, 2))
	q, rest := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int))
	if rest.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

// scales are the steps of each term in this image, nil for one step for all images.
func scales(o *qmodel.Operator, steps []*big.Rat, terms int) []*big.Rat {
	var list []*big.Rat
	for range terms - len(o.Inputs) {
		list = append(list, steps[o.Inputs[0]])
	}
	for _, t := range o.Inputs {
		list = append(list, steps[t])
	}
	return list
}

// common returns the least number that the taps of every window inside of the image divide.
func common(o *qmodel.Operator, in, out *qmodel.Tensor) int64 {
	for n := int64(1); ; n++ {
		all := true
		for y := range out.Height {
			for x := range out.Width {
				var inside int64
				for ky := range o.Kernel[0] {
					for kx := range o.Kernel[1] {
						if iy, ix := y*o.Stride[0]+ky-o.Pad[0], x*o.Stride[1]+kx-o.Pad[1]; iy >= 0 && iy < in.Height && ix >= 0 && ix < in.Width {
							inside++
						}
					}
				}
				all = all && n%inside == 0
			}
		}
		if all {
			return n
		}
	}
}

// weigh returns the accumulators of a weighted operator for one output, plane by plane and in it sign by sign.
func weigh(m *qmodel.Model, o *qmodel.Operator, at func(y, x, c int) (int64, bool), y, x, c int) []int64 {
	in, w := &m.Tensors[o.Inputs[0]], o.Weights
	planes, signs, codes := max(1, w.Planes), 1, w.Codes()
	if in.Signs {
		signs = in.Bits
	}
	if w.Coding == qmodel.Split {
		planes = 2
	}
	each := w.Shape[3]
	group := c / (m.Tensors[o.Output].Channels / o.Groups)
	var accs []int64
	for plane := range planes {
		for sign := range signs {
			var acc int64
			for ky := range o.Kernel[0] {
				for kx := range o.Kernel[1] {
					for k := range each {
						q, _ := at(y*o.Stride[0]+ky*max(1, o.Dilation[0])-o.Pad[0], x*o.Stride[1]+kx*max(1, o.Dilation[1])-o.Pad[1], group*each+k)
						q -= int64(in.Zero(group*each + k))
						if in.Signs {
							q = q>>sign&1*2 - 1
						}
						i := ((c*o.Kernel[0]+ky)*o.Kernel[1]+kx)*each + k
						if w.Planes > 1 {
							i += plane * w.Shape[0] * w.Shape[1] * w.Shape[2] * each
						}
						acc += q * weight(w, codes[i], plane)
					}
				}
			}
			accs = append(accs, acc)
		}
	}
	return accs
}

// weight is what a code of weights stands for.
func weight(w *qmodel.Weights, code int8, plane int) int64 {
	v := int64(code)
	switch w.Coding {
	case qmodel.Odd:
		return 2*v + 1
	case qmodel.Powers:
		return []int64{-128, -64, -32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32, 64, 128}[v+8]
	case qmodel.Split:
		if (v > 0) != (plane == 0) {
			return 0
		}
	}
	return v
}

// compare gives bit n where the sum of the terms reaches threshold n.
func compare(o *qmodel.Operator, terms []int64, c int) (code int64) {
	sum := new(big.Int)
	for i, a := range terms {
		sum.Add(sum, new(big.Int).Mul(big.NewInt(a), big.NewInt(o.Thresholds.M[i][c])))
	}
	for n := range o.Thresholds.T {
		if sum.Cmp(big.NewInt(o.Thresholds.T[n][c])) >= 0 {
			code += 1 << n
		}
	}
	return code
}

// requantize is clamp(zero + RNE(sum·2^-shift)) with the rounding of big rationals: floor(v + 1/2), less 1 where that
// is a tie and odd.
func requantize(o *qmodel.Operator, out *qmodel.Tensor, scales []*big.Rat, terms []int64, c int) int64 {
	r := o.Requantizer
	sum := big.NewInt(r.Bias[c])
	for i, a := range terms {
		if i == 0 {
			a += int64(r.AccBias[c])
		}
		m := big.NewInt(r.M[i][c])
		if scales[i] != nil {
			x := new(big.Rat).Mul(new(big.Rat).SetInt(m), scales[i])
			m = round(x.Quo(x, big.NewRat(1<<31, 1)))
		}
		sum.Add(sum, m.Mul(m, big.NewInt(a)))
	}
	twice := new(big.Int).Lsh(big.NewInt(1), uint(r.Shift[c])+1)
	sum.Lsh(sum, 1).Add(sum, new(big.Int).Rsh(twice, 1)) // (2·sum + 2^s) / 2^(s+1)
	q, rest := sum.DivMod(sum, twice, new(big.Int))
	if rest.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	q.Add(q, big.NewInt(int64(out.ZeroPoint)))
	low, high := big.NewInt(0), big.NewInt(int64(1)<<out.Bits-1)
	if out.Range != [2]int32{} {
		low, high = big.NewInt(int64(out.Range[0])), big.NewInt(int64(out.Range[1]))
	}
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
