// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
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

// window calls for every output of a window and every tap, with the index of the input, -1 outside.
func window(n *parsedNode, x, y *parsed, height, width int, each func(i, at, tap int, first bool)) {
	strideW, strideH := int(n.options.int32(1, 0)), int(n.options.int32(2, 0))
	top, left := 0, 0
	if n.options.int8(0) == paddingSame {
		top = max(0, (int(y.shape[1])-1)*strideH+height-int(x.shape[1])) / 2
		left = max(0, (int(y.shape[2])-1)*strideW+width-int(x.shape[2])) / 2
	}
	channels := int(y.shape[3])
	for i := range y.len() {
		c, ox, oy := i%channels, i/channels%int(y.shape[2]), i/channels/int(y.shape[2])
		for k := range height * width {
			h, w := oy*strideH-top+k/width, ox*strideW-left+k%width
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

// TestOperatorsAgree evaluates exported models by the definition of TFLite's operators.
func TestOperatorsAgree(t *testing.T) {
	models := map[string]*qmodel.Model{"fashion": fashion(t)}
	for seed := range uint64(20) {
		models[fmt.Sprint("plain", seed)] = plain(seed)
	}
	for name, m := range models {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pack := range []bool{false, true} {
				if _, _, err := Export(m, Options{}); err != nil {
					if name == "fashion" {
						t.Fatal(err)
					}
					t.Skip(err) // a multiplier that no scale gives, say
				}
				agrees(t, m, Options{Pack: pack})
			}
		})
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
