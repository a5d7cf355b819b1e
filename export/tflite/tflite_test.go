// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// evaluate computes a node as the definition of TFLite's operators says, rounding once, to nearest, ties to even.
func evaluate(t *testing.T, n *parsedNode, tensors []parsed, values [][]float64) []float64 {
	t.Helper()
	x, in := &tensors[n.in[0]], values[n.in[0]]
	y := &tensors[n.out[0]]
	result := make([]float64, y.len())
	activation := int8(0)
	quantize := func(real float64) float64 {
		v := math.RoundToEven(real/float64(y.scale[0])) + float64(y.zero[0])
		if activation == activationRelu {
			v = max(v, float64(y.zero[0]))
		}
		return min(max(v, -128), 127)
	}
	switch n.code {
	case opReshape:
		copy(result, in)
	case opQuantize:
		for i, v := range in {
			result[i] = quantize((v - float64(x.zero[0])) * float64(x.scale[0]))
		}
	case opMul:
		activation = n.options.int8(0)
		b := &tensors[n.in[1]]
		for i, v := range in {
			other := values[n.in[1]]
			result[i] = quantize((v - float64(x.zero[0])) * float64(x.scale[0]) * (other[i%len(other)] - float64(b.zero[0])) * float64(b.scale[0]))
		}
	case opCast:
		copy(result, in)
	case opSlice:
		axis := len(x.shape) - 1
		for i := range result {
			result[i] = in[i/int(y.shape[axis])*int(x.shape[axis])+int(values[n.in[1]][axis])+i%int(y.shape[axis])]
		}
	case opGather:
		index := values[n.in[1]]
		for i := range result {
			if len(x.shape) == 1 {
				result[i] = in[int(index[i])]
				continue
			}
			axis := n.options.int32(0, 0) // the last
			result[i] = in[i/int(y.shape[axis])*int(x.shape[axis])+int(index[i%int(y.shape[axis])])]
		}
	case opResizeNearest:
		channels := int(y.shape[3])
		from := func(i, d int) int {
			return int(math.Floor((float64(i) + 0.5) * float64(float32(x.shape[d])/float32(y.shape[d]))))
		}
		for i := range result {
			c, w, h := i%channels, i/channels%int(y.shape[2]), i/channels/int(y.shape[2])
			result[i] = in[(from(h, 1)*int(x.shape[2])+from(w, 2))*channels+c]
		}
	case opConcatenation:
		axis := int(n.options.int32(0, 0))
		inner := 1
		for _, size := range y.shape[axis+1:] {
			inner *= int(size)
		}
		at := 0 // of the first input, within a row of the result
		for k, i := range n.in {
			if tensors[i].scale[0] != y.scale[0] && k == 0 || tensors[i].zero[0] != y.zero[0] {
				t.Fatalf("%s: input %d has another scale or zero point", y.name, k)
			}
			each, all := int(tensors[i].shape[axis])*inner, int(y.shape[axis])*inner
			for j, v := range values[i] {
				result[j/each*all+at+j%each] = v
			}
			at += each
		}
	case opDequantize:
		for i, v := range in {
			result[i] = (v - float64(x.zero[0])) * float64(x.scale[0])
		}
	case opMaximum:
		for i, v := range in {
			result[i] = max(v, values[n.in[1]][0])
		}
	case opAdd:
		activation = n.options.int8(0)
		b := &tensors[n.in[1]]
		if x.kind == typeInt32 {
			for i, v := range in {
				result[i] = v + values[n.in[1]][i%len(values[n.in[1]])]
			}
			break
		}
		for i, v := range in {
			result[i] = quantize((v-float64(x.zero[0]))*float64(x.scale[0]) + (values[n.in[1]][i]-float64(b.zero[0]))*float64(b.scale[0]))
		}
	case opPad, opPadV2:
		fill := float64(x.zero[0])
		if n.code == opPadV2 {
			fill = values[n.in[2]][0]
		}
		pads := values[n.in[1]]
		for i := range result {
			c, w, h := i%int(y.shape[3]), i/int(y.shape[3])%int(y.shape[2]), i/int(y.shape[3])/int(y.shape[2])
			h, w = h-int(pads[2]), w-int(pads[4])
			result[i] = fill
			if h >= 0 && h < int(x.shape[1]) && w >= 0 && w < int(x.shape[2]) {
				result[i] = in[(h*int(x.shape[2])+w)*int(x.shape[3])+c]
			}
		}
	case opMaxPool:
		window(n, x, y, int(n.options.int32(4, 0)), int(n.options.int32(3, 0)), func(i, at, _ int, first bool) {
			if first {
				result[i] = -128
			}
			if at >= 0 {
				result[i] = max(result[i], in[at])
			}
		})
	case opConv2D, opDepthwise, opFullyConnected:
		slot := map[int32]int{opConv2D: 3, opDepthwise: 4, opFullyConnected: 0}[n.code]
		activation = n.options.int8(slot)
		weighted(n, tensors, values, result)
		w := &tensors[n.in[1]]
		channels := int(y.shape[len(y.shape)-1])
		for i := range result {
			c := i % channels
			result[i] += values[n.in[2]][c]
			if y.kind == typeInt8 {
				if want := x.scale[0] * w.scale[c]; tensors[n.in[2]].scale[c] != want {
					t.Fatalf("%s: the scale of the bias is not that of the accumulator", y.name)
				}
				// As runtimes have the multiplier.
				m := float64(float32(x.scale[0]*w.scale[c]) / y.scale[0])
				result[i] = quantize(result[i] * m * float64(y.scale[0]))
			}
		}
	default:
		t.Fatalf("operator %d", n.code)
	}
	return result
}

// apart returns how far the taps of a convolution are from each other, down and to the right.
func apart(n *parsedNode) (int, int) {
	switch n.code {
	case opConv2D:
		return int(n.options.int32(5, 1)), int(n.options.int32(4, 1))
	case opDepthwise:
		return int(n.options.int32(6, 1)), int(n.options.int32(5, 1))
	}
	return 1, 1
}

// window calls for every output of a window and every tap, with the index of the input, -1 outside.
func window(n *parsedNode, x, y *parsed, height, width int, each func(i, at, tap int, first bool)) {
	strideW, strideH := int(n.options.int32(1, 0)), int(n.options.int32(2, 0))
	top, left := 0, 0
	down, right := apart(n)
	if n.options.int8(0) == paddingSame {
		top = max(0, (int(y.shape[1])-1)*strideH+(height-1)*down+1-int(x.shape[1])) / 2
		left = max(0, (int(y.shape[2])-1)*strideW+(width-1)*right+1-int(x.shape[2])) / 2
	}
	channels := int(y.shape[3])
	for i := range y.len() {
		c, ox, oy := i%channels, i/channels%int(y.shape[2]), i/channels/int(y.shape[2])
		for k := range height * width {
			h, w := oy*strideH-top+k/width*down, ox*strideW-left+k%width*right
			at := -1
			if h >= 0 && h < int(x.shape[1]) && w >= 0 && w < int(x.shape[2]) {
				at = (h*int(x.shape[2]) + w) * int(x.shape[3])
			}
			if at >= 0 && n.code == opMaxPool {
				at += c
			}
			each(i, at, k, k == 0)
		}
	}
}

func weighted(n *parsedNode, tensors []parsed, values [][]float64, result []float64) {
	x, w, y := &tensors[n.in[0]], &tensors[n.in[1]], &tensors[n.out[0]]
	in, weights := values[n.in[0]], values[n.in[1]]
	zero := 0.
	if x.kind == typeInt8 {
		zero = float64(x.zero[0])
	}
	channels := int(y.shape[len(y.shape)-1])
	if n.code == opFullyConnected {
		depth := int(w.shape[1])
		for c := range channels {
			for k := range depth {
				result[c] += (in[k] - zero) * weights[c*depth+k]
			}
		}
		return
	}
	height, width, depth := int(w.shape[1]), int(w.shape[2]), int(w.shape[3])
	inputs := int(x.shape[3])
	window(n, x, y, height, width, func(i, at, tap int, _ bool) {
		if at < 0 {
			return
		}
		c := i % channels
		if n.code == opDepthwise {
			result[i] += (in[at+c/(channels/inputs)] - zero) * weights[tap*channels+c]
			return
		}
		first := c / (channels / (inputs / depth)) * depth
		for k := range depth {
			result[i] += (in[at+first+k] - zero) * weights[(c*height*width+tap)*depth+k]
		}
	})
}

// agrees feeds every operator of an exported model with the runtime's own integers and wants what is stated of it.
func agrees(t *testing.T, m *qmodel.Model, o Options) {
	t.Helper()
	file, statements, err := Export(m, o)
	if err != nil {
		t.Fatal(err)
	}
	tensors, nodes := parse(t, file)
	stated := map[string]agreement.Statement{}
	index := map[string]int{}
	for i, s := range statements {
		stated[m.Tensors[m.Operators[i].Output].Name] = s
	}
	for i := range m.Tensors {
		index[m.Tensors[i].Name] = i
	}
	model, err := infer.New(m)
	if err != nil {
		t.Fatal(err)
	}
	seen := make([][]float64, len(m.Tensors))
	r, err := model.NewRunner(infer.Options{Batch: 1, Observe: func(o infer.Observation) {
		seen[o.Tensor] = nil
		for _, v := range o.Codes {
			seen[o.Tensor] = append(seen[o.Tensor], float64(v))
		}
		for _, v := range o.Wide {
			seen[o.Tensor] = append(seen[o.Tensor], float64(v))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rng := rand.New(rand.NewPCG(3, 3))
	logits := make([]int32, len(m.Classes))
	for range 4 {
		image := make([]uint8, m.Tensors[0].Len())
		for i := range image {
			image[i] = uint8(rng.Uint32())
		}
		if err := r.Run(logits, image); err != nil {
			t.Fatal(err)
		}
		values := make([][]float64, len(tensors))
		for i := range tensors {
			values[i] = tensors[i].constant
		}
		values[0] = make([]float64, len(image))
		for i, v := range image {
			values[0][i] = float64(v) - 128
		}
		checked := 0
		for i := range nodes {
			n := &nodes[i]
			got := evaluate(t, n, tensors, values)
			values[n.out[0]] = got
			y := &tensors[n.out[0]]
			at, ok := index[y.name]
			if !ok {
				continue
			}
			checked++
			s := stated[y.name]
			want := seen[at]
			if y.kind == typeFloat32 {
				if len(y.shape) != 2 {
					t.Fatalf("the logits are %v, want a row", y.shape)
				}
				scale := float64(math.Float32frombits(m.Tensors[at].ScaleBits))
				for c, v := range got {
					if math.Abs(v/scale-want[c]) > 1+1e-5*math.Abs(want[c]) {
						t.Fatalf("%s: logit %d is %g steps, want %g", y.name, c, v/scale, want[c])
					}
				}
				continue
			}
			offset := float64(y.zero[0]) - float64(m.Tensors[at].ZeroPoint)
			limit := map[agreement.Level]float64{agreement.Exact: 0, agreement.Step: 1}[s.Agreement]
			if strings.Contains(s.Note, "more than one step") {
				limit = 255
			}
			exact := make([]float64, len(want))
			for k, v := range want {
				exact[k] = v + offset
				if math.Abs(got[k]-exact[k]) > limit {
					t.Fatalf("%s (%s): number %d is %g, want %g", y.name, s.Agreement, k, got[k], exact[k])
				}
			}
			values[n.out[0]] = exact // the next operator is fed with the runtime's
		}
		if checked == 0 {
			t.Fatal("no tensor has a name of the model")
		}
	}
}

func fashion(t *testing.T) *qmodel.Model {
	t.Helper()
	b, err := os.ReadFile("../../examples/embed/fashion.qmodel")
	if err != nil {
		t.Fatal(err)
	}
	m, err := qmodel.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plain is a model of what TFLite has a word for: windows with every kind of padding, groups, means, signs, ends of ranges.
func plain(seed uint64) *qmodel.Model {
	rng := rand.New(rand.NewPCG(seed, 2))
	b := qmodeltest.New(rng, 12, 10, 4)
	one, three := qmodeltest.Square(1, 1, 0), qmodeltest.Square(3, 1, 1)
	x := b.Conv(0, three, 8, 1, 8, 8)
	x = b.Conv(x, qmodeltest.Square(3, 2, 1), 8, 2, 4, 4)
	x = b.Conv(x, three, 8, 8, 8, 8)
	x = b.MaxPool(x, qmodeltest.Square(2, 1, 1))
	x = b.ConvForm(x, one, 8, 1, qmodeltest.Form{WeightBits: 1, CodeBits: 1, Signs: true})
	x = b.ConvForm(x, three, 8, 1, qmodeltest.Form{WeightBits: 1, CodeBits: 5})
	x = b.AvgPool(b.Conv(x, three, 8, 1, 3, 7), qmodeltest.Square(2, 2, 0), 8)
	return b.Finish(x, 3)
}

// gated is a model of tables, products, concatenations, choices of channels, an upsampling, a dilated window, an average that
// counts its padding, and logits that are an average.
func gated(seed uint64) *qmodel.Model {
	rng := rand.New(rand.NewPCG(seed, 4))
	b := qmodeltest.New(rng, 6, 5, 2)
	dilated := qmodeltest.Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Pad: [4]int{2, 1, 2, 1}, Dilation: [2]int{2, 2}}
	x := b.Tables(b.Conv(0, dilated, 6, 1, 4, 5), 4)
	gate := b.Table(b.Conv(b.AvgPool(x, qmodeltest.Window{Kernel: [2]int{6, 5}, Stride: [2]int{1, 1}}, 6), qmodeltest.Square(1, 1, 0), 6, 1, 4, 7), 8)
	y := plainProduct(b, 6, x, gate)
	y = plainProduct(b, 5, y, b.Add(4, x))
	y = b.Upsample(b.Select(b.Concat(6, b.Select(y, 1, 4), x, b.Select(y, 0, 6)), 1, 12), [2]int{2, 3})
	y = b.AvgPool(b.Conv(y, qmodeltest.Square(3, 1, 1), 3, 1, 4, 8), qmodeltest.Square(3, 2, 1), 7)
	return b.FinishAverage(y)
}

// colored is a model of an image whose channels have zero points of their own, read by padded layers of every kind or, as a
// row, by the last.
func colored(seed uint64) *qmodel.Model {
	rng := rand.New(rand.NewPCG(seed, 6))
	b := qmodeltest.New(rng, 7, 5, 4)
	b.Channelwise()
	if seed%4 == 0 {
		return b.Finish(0, 3)
	}
	x, w := b.MaxPool(0, qmodeltest.Square(2, 1, 1)), qmodeltest.Window{Kernel: [2]int{2, 3}, Stride: [2]int{2, 1}, Pad: [4]int{1, 2, 0, 1}}
	if seed%4 == 1 {
		return b.Finish(b.ConvForm(x, w, 4, 2, qmodeltest.Form{WeightBits: 4, CodeBits: 1, Signs: true}), 3)
	}
	return b.Finish(b.Concat(5, b.Conv(x, w, 6, 2, 4, 5), b.Conv(x, w, 4, 4, 4, 5)), 3)
}

// plainProduct is a product whose multiplier is that of the scales.
func plainProduct(b *qmodeltest.Builder, bits, first, second int) int {
	out := b.Multiply(bits, first, second)
	tensors, r := b.Model.Tensors, b.Model.Operators[len(b.Model.Operators)-1].Requantizer
	scale := func(i int) float64 { return float64(math.Float32frombits(tensors[i].ScaleBits)) }
	ratio := math.Ldexp(1.5, bits) / float64(tensors[first].Max()*tensors[second].Max())
	tensors[out].ScaleBits = math.Float32bits(float32(scale(first) * scale(second) / ratio))
	for c := range r.Shift {
		r.M[0][c], r.Shift[c], r.AccBias[c], r.Bias[c] = int64(math.RoundToEven(math.Ldexp(ratio, 36))), 36, 0, 0
	}
	return out
}

// TestOperatorsAgree evaluates exported models by the definition of TFLite's operators. Few of the random ones may
// be refused, for a multiplier that no scale gives, say.
func TestOperatorsAgree(t *testing.T) {
	models := map[string]*qmodel.Model{"fashion": fashion(t)}
	for seed := range uint64(20) {
		models[fmt.Sprint("plain", seed)] = plain(seed)
		models[fmt.Sprint("gated", seed)] = gated(seed)
		models[fmt.Sprint("colored", seed)] = colored(seed)
	}
	var refused atomic.Int32
	t.Run("models", func(t *testing.T) {
		for name, m := range models {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, _, err := Export(m, Options{}); err != nil && name != "fashion" {
					refused.Add(1)
					t.Skip(err)
				}
				for _, pack := range []bool{false, true} {
					agrees(t, m, Options{Pack: pack})
				}
			})
		}
	})
	if n := int(refused.Load()); n > len(models)/4 {
		t.Errorf("%d of %d models are refused", n, len(models))
	}
}

// TestTablesAreNotForOpenVINO wants a word wherever codes are cast, which OpenVINO reads otherwise, and nowhere else.
func TestTablesAreNotForOpenVINO(t *testing.T) {
	said := 0
	for seed := range uint64(20) {
		for _, m := range []*qmodel.Model{plain(seed), gated(seed)} {
			file, statements, err := Export(m, Options{})
			if err != nil {
				continue // a multiplier that no scale gives, say
			}
			_, nodes := parse(t, file)
			casts := slices.ContainsFunc(nodes, func(n parsedNode) bool { return n.code == opCast })
			notes := slices.ContainsFunc(statements, func(s agreement.Statement) bool { return strings.Contains(s.Note, "OpenVINO") })
			if casts != notes {
				t.Errorf("seed %d: the file casts codes: %v, the statements name OpenVINO: %v", seed, casts, notes)
			}
			if notes {
				said++
			}
		}
	}
	if said == 0 || said == 40 {
		t.Errorf("%d of 40 models cast codes, want some and not all", said)
	}
}

// TestRefusals wants what TFLite has no word for to be named.
func TestRefusals(t *testing.T) {
	m := qmodeltest.Binary(rand.New(rand.NewPCG(1, 1)))
	_, statements, err := Export(m, Options{})
	if err == nil || len(statements) != len(m.Operators) {
		t.Fatalf("%v, %d statements", err, len(statements))
	}
	for i, s := range statements {
		if s.Operator != m.Operators[i].Name || s.Agreement == agreement.None && s.Note == "" {
			t.Errorf("%+v", s)
		}
	}
}

// exportChanged exports a changed file that still reads, twice to the same bytes, or wants it to be refused; it says whether
// there was a file.
func exportChanged(t *testing.T, file []byte, pack bool) bool {
	m, err := qmodeltest.ReadChanged(file)
	if err != nil || qmodeltest.Work(m) > 1<<18 {
		return false
	}
	o := Options{Pack: pack, Images: make([]byte, m.Tensors[0].Len())}
	first, _, err := Export(m, o)
	if err != nil {
		return false
	}
	parse(t, first)
	if again, _, err := Export(m, o); err != nil || !bytes.Equal(first, again) {
		t.Fatalf("the second export differs (%v)", err)
	}
	return true
}

// seeds are files that TFLite has a word for, and some that it has none for.
func seeds(t testing.TB) [][]byte {
	files := qmodeltest.Files()
	for seed := range uint64(3) {
		var b bytes.Buffer
		if err := plain(seed).Write(&b); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	return files
}

// FuzzExport changes a model with a right digest and exports what is still read.
func FuzzExport(f *testing.F) {
	for _, file := range seeds(f) {
		f.Add(file, uint16(9), uint8(7))
	}
	f.Fuzz(func(t *testing.T, file []byte, place uint16, value uint8) {
		file = bytes.Clone(file)
		if int(place) < len(file) {
			file[place] = value
		}
		exportChanged(t, file, value%2 == 0)
	})
}

// TestChangedModelsExport is FuzzExport with random changes.
func TestChangedModelsExport(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	files := seeds(t)
	exported := 0
	for n := range 2000 {
		b := bytes.Clone(files[n%len(files)])
		for range 1 + rng.IntN(2) {
			i := rng.IntN(len(b))
			b[i] = []byte{b[i] ^ 1<<rng.IntN(8), byte(rng.Uint32()), '0' + byte(rng.IntN(10))}[rng.IntN(3)]
		}
		if exportChanged(t, b, n%2 == 0) {
			exported++
		}
	}
	if exported < 100 {
		t.Errorf("only %d of 2000 models were exported", exported)
	}
}
