// SPDX-License-Identifier: Apache-2.0

package qmodeltest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/qmodel"
)

// Mutate returns a valid file changed in one to three places, with the right digest. What changes is a byte, an entry of
// the container, the numbers of a tensor, or the structure: any field of a tensor or an operator, an element there once
// more, left out or at another's place. Behind every second change of the structure sizes follow it, so that what is far
// from the file that it was can still be a model.
func Mutate(rng *rand.Rand, file []byte) []byte {
	for {
		if changed := mutate(rng, file); !bytes.Equal(changed, file) {
			return changed
		}
	}
}

func mutate(rng *rand.Rand, file []byte) []byte {
	f, err := safetensors.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		panic(err)
	}
	for range 1 + rng.IntN(3) {
		switch rng.IntN(6) {
		case 0:
			mutateEntries(rng, f)
		case 1:
			t := &f.Tensors[rng.IntN(len(f.Tensors))]
			t.Data = slices.Clone(t.Data)
			mutateNumbers(rng, t)
		default:
			mutateStructure(rng, f)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return file // a change that no container holds
	}
	changed := b.Bytes()
	if rng.IntN(6) == 0 {
		for range 1 + rng.IntN(3) {
			i := rng.IntN(len(changed))
			changed[i] = []byte{changed[i] ^ 1<<rng.IntN(8), byte(rng.Uint32()), '0' + byte(rng.IntN(10))}[rng.IntN(3)]
		}
		redigest(changed)
	}
	return changed
}

// mutateEntries changes the container: what its tensors are called, their type and shape, and which there are.
func mutateEntries(rng *rand.Rand, f *safetensors.File) {
	i, j := rng.IntN(len(f.Tensors)), rng.IntN(len(f.Tensors))
	switch t := &f.Tensors[i]; rng.IntN(6) {
	case 0:
		f.Tensors = mutateList(rng, reflect.ValueOf(f.Tensors)).Interface().([]safetensors.Tensor)
	case 1:
		t.Name, f.Tensors[j].Name = f.Tensors[j].Name, t.Name
	case 2:
		t.Data, f.Tensors[j].Data = f.Tensors[j].Data, t.Data
	case 3:
		t.DType = []string{"I8", "U8", "I32", "I64", "F32", "BOOL"}[rng.IntN(6)]
	case 4:
		t.Shape = slices.Clone(t.Shape)
		rng.Shuffle(len(t.Shape), func(a, b int) { t.Shape[a], t.Shape[b] = t.Shape[b], t.Shape[a] })
	default:
		m := &f.Metadata[rng.IntN(len(f.Metadata))]
		m.Value = []string{"", "null", "[]", "{}", "1", m.Value + m.Value, m.Value[:len(m.Value)/2]}[rng.IntN(7)]
	}
	if len(f.Tensors) == 0 {
		f.Tensors = []safetensors.Tensor{{Name: "none", DType: "U8", Shape: []int{0}}}
	}
}

// mutateNumbers changes some or all of a tensor's numbers, to extreme ones as a rule.
func mutateNumbers(rng *rand.Rand, t *safetensors.Tensor) {
	size := map[string]int{"I64": 8, "I32": 4, "F32": 4}[t.DType]
	for i, all := 0, rng.IntN(3) == 0; i+max(1, size) <= len(t.Data); i += max(1, size) {
		if !all && rng.IntN(1+len(t.Data)/max(1, size)/2) > 0 {
			continue
		}
		switch n := number(rng); size {
		case 8:
			binary.LittleEndian.PutUint64(t.Data[i:], uint64(n))
		case 4:
			binary.LittleEndian.PutUint32(t.Data[i:], uint32(n))
		default:
			t.Data[i] = byte(n)
		}
	}
}

// number draws a number of any size, often next to a power of two.
func number(rng *rand.Rand) int64 {
	n := int64(1)<<rng.IntN(63) + int64(rng.IntN(3)) - 1
	switch rng.IntN(4) {
	case 0:
		n = int64(rng.IntN(9))
	case 1:
		n = int64(rng.Uint64() >> rng.IntN(64))
	}
	if rng.IntN(4) == 0 {
		n = -n
	}
	return n
}

// structure is the graph of a file as its JSON has it.
type structure struct {
	Tensors   []qmodel.Tensor   `json:"tensors"`
	Operators []qmodel.Operator `json:"operators"`
}

// The kinds of tensors as the file has them and as package json takes them.
var (
	kindsAsNumbers = strings.NewReplacer(`"kind":"codes"`, `"kind":0`, `"kind":"accumulators"`, `"kind":1`, `"kind":"logits"`, `"kind":2`)
	kindsAsNames   = strings.NewReplacer(`"kind":0`, `"kind":"codes"`, `"kind":1`, `"kind":"accumulators"`, `"kind":2`, `"kind":"logits"`)
)

// mutateStructure changes the graph, the input or the classes.
func mutateStructure(rng *rand.Rand, f *safetensors.File) {
	var g structure
	var in qmodel.Input
	var classes []string
	parts := map[string]any{"graph": &g, "input": &in, "classes": &classes}
	for _, m := range f.Metadata {
		if v := parts[m.Key]; v != nil && json.Unmarshal([]byte(kindsAsNumbers.Replace(m.Value)), v) != nil {
			return // an earlier change
		}
	}
	switch rng.IntN(12) {
	case 0:
		change(rng, reflect.ValueOf([]any{&in, &classes}[rng.IntN(2)]).Elem())
	case 1:
		renameOperator(rng, g.Operators)
	default:
		change(rng, reflect.ValueOf(&g).Elem())
	}
	if rng.IntN(2) == 0 && len(g.Tensors) > 0 {
		g.fit(f)
		in.Height, in.Width, in.Channels = g.Tensors[0].Height, g.Tensors[0].Width, g.Tensors[0].Channels
		if len(in.ZeroPoints) > 0 && len(in.ScaleBits) > 0 {
			in.ZeroPoints[0], in.ScaleBits[0] = g.Tensors[0].ZeroPoint, g.Tensors[0].ScaleBits
		}
	}
	for i, m := range f.Metadata {
		if version, _ := f.Value("version"); m.Key == "input" && version == "1" {
			continue // has another form
		}
		if v := parts[m.Key]; v != nil {
			text, err := json.Marshal(v)
			if err != nil {
				panic(err)
			}
			f.Metadata[i].Value = kindsAsNames.Replace(string(text))
		}
	}
}

// Change changes one field of a model: of the model itself, its tensors or operators, their weights, requantizers,
// thresholds or tables.
func Change(rng *rand.Rand, m *qmodel.Model) {
	if rng.IntN(12) == 0 {
		renameOperator(rng, m.Operators)
		return
	}
	change(rng, reflect.ValueOf(m).Elem())
}

// renameOperator makes an operator one of another kind that the model has.
func renameOperator(rng *rand.Rand, operators []qmodel.Operator) {
	if n := len(operators); n > 0 {
		operators[rng.IntN(n)].Op = operators[rng.IntN(n)].Op
	}
}

// change changes something in a value that can be set: it goes down at random to one of its parts.
func change(rng *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		change(rng, v.Field(rng.IntN(v.NumField())))
	case reflect.Pointer:
		switch {
		case v.IsNil():
			v.Set(reflect.New(v.Type().Elem()))
		case rng.IntN(8) == 0:
			v.SetZero()
		default:
			change(rng, v.Elem())
		}
	case reflect.Slice:
		if v.Len() == 0 || rng.IntN(8) == 0 {
			v.Set(mutateList(rng, v))
			return
		}
		change(rng, v.Index(rng.IntN(v.Len())))
	case reflect.Array:
		change(rng, v.Index(rng.IntN(v.Len())))
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		texts := []string{"", "x", "\x00\n\x1b[2J", "é", string(qmodel.Odd), string(qmodel.Powers), string(qmodel.Split), string(qmodel.Dense)}
		v.SetString(texts[rng.IntN(len(texts))])
	default:
		changeInteger(rng, v)
	}
}

// changeInteger sets an integer to one beside it or to any that it holds.
func changeInteger(rng *rand.Rand, v reflect.Value) {
	signed := v.CanInt()
	n := number(rng)
	if rng.IntN(2) == 0 {
		n = int64(rng.IntN(3) - 1)
		if signed {
			n += v.Int()
		} else {
			n += int64(v.Uint() & math.MaxInt64)
		}
	}
	width := v.Type().Bits()
	if signed {
		v.SetInt(n << (64 - width) >> (64 - width))
	} else {
		v.SetUint(uint64(n) << (64 - width) >> (64 - width))
	}
}

// mutateList returns a list in which an element is left out, there once more or at another's place, or one longer.
func mutateList(rng *rand.Rand, v reflect.Value) reflect.Value {
	out := reflect.MakeSlice(v.Type(), 0, v.Len()+1)
	if v.Len() == 0 {
		return reflect.Append(out, reflect.Zero(v.Type().Elem()))
	}
	i, j, kind := rng.IntN(v.Len()), rng.IntN(v.Len()), rng.IntN(4)
	for k := range v.Len() {
		switch {
		case k == i && kind == 0: // left out
		case k == i && kind == 1:
			out = reflect.Append(out, v.Index(k), v.Index(k))
		case k == i && kind == 2:
			out = reflect.Append(out, v.Index(j))
		case k == j && kind == 2:
			out = reflect.Append(out, v.Index(i))
		default:
			out = reflect.Append(out, v.Index(k))
		}
	}
	if kind == 3 {
		out = reflect.Append(out, reflect.Zero(v.Type().Elem()))
	}
	return out
}

// fit makes sizes follow a change, as far as they are small: the output of each window and of what keeps shapes, and the
// tensors of the container.
func (g *structure) fit(f *safetensors.File) {
	has := func(t int) bool { return t >= 0 && t < len(g.Tensors) }
	for i := range g.Operators {
		o := &g.Operators[i]
		if len(o.Inputs) == 0 || !has(o.Inputs[0]) || !has(o.Output) || o.Output == o.Inputs[0] {
			continue
		}
		in, out := &g.Tensors[o.Inputs[0]], &g.Tensors[o.Output]
		switch {
		case o.Aliases():
			out.Height, out.Width, out.Channels = 1, 1, in.Height*in.Width*in.Channels
		case o.Windowed():
			w := geometry.Window{Kernel: o.Kernel, Stride: o.Stride, Dilation: o.Dilation, Pad: o.Pad}
			out.Height, out.Width = w.Output(in.Height, in.Width)
			if o.Weights == nil || o.Groups == in.Channels {
				out.Channels = in.Channels
			}
		default:
			out.Height, out.Width, out.Channels = in.Height, in.Width, in.Channels
		}
		if !o.Adds() && !o.Multiplies() && len(o.Inputs) > 1 { // it joins them
			out.Channels = 0
			for k, t := range o.Inputs {
				if has(t) {
					out.Channels += g.Tensors[t].Channels
					resize(f, o.Name+".table"+strconv.Itoa(k), 1<<(g.Tensors[t].Bits&15))
				}
			}
		}
		if o.Weights == nil && !o.Adds() && len(o.Inputs) == 1 && f.Tensor(o.Name+".table") == nil { // it keeps codes
			out.Bits, out.ZeroPoint, out.ScaleBits, out.Signs = in.Bits, in.ZeroPoint, in.ScaleBits, in.Signs
		}
		resize(f, o.Name+".shift", out.Channels)
		resize(f, o.Name+".bias", out.Channels)
		resize(f, o.Name+".accumulator_bias", out.Channels)
		if t := f.Tensor(o.Name + ".multiplier"); t != nil && len(t.Shape) > 0 {
			resize(f, t.Name, t.Shape[0], out.Channels)
		}
		resize(f, o.Name+".table", 1<<(in.Bits&15))
		if out.Signs {
			resize(f, o.Name+".threshold", out.Bits, out.Channels)
		}
		if w := o.Weights; w != nil && o.Groups > 0 {
			n := out.Channels * o.Kernel[0] * o.Kernel[1] * (in.Channels / o.Groups)
			switch {
			case w.Packing == qmodel.Dense && w.Bits == 2:
				resize(f, o.Name+".weight", (n+4)/5)
			case w.Packing == qmodel.Dense:
				resize(f, o.Name+".weight", (n*(w.Bits&7)+7)/8)
			case w.Bits == 1:
				resize(f, o.Name+".weight", (n*max(1, w.Planes)+7)/8)
			case w.Bits <= 4:
				per := map[int]int{2: 4, 3: 2, 4: 2}[w.Bits]
				resize(f, o.Name+".weight", (n+max(1, per)-1)/max(1, per))
			default:
				resize(f, o.Name+".weight", out.Channels, o.Kernel[0], o.Kernel[1], in.Channels/o.Groups)
			}
		}
	}
}

// resize gives a tensor of the file, if it is there, a shape, unless that is large. Its numbers are repeated or cut off.
func resize(f *safetensors.File, name string, shape ...int) {
	t := f.Tensor(name)
	n := 1
	for _, s := range shape {
		if s < 0 || s > 1<<16 || n > 1<<16 {
			return
		}
		n *= s
	}
	if t == nil || n > 1<<16 {
		return
	}
	size := max(1, map[string]int{"I64": 8, "I32": 4, "F32": 4}[t.DType])
	data := make([]byte, 0, n*size+len(t.Data))
	for len(data) < n*size {
		if len(t.Data) == 0 {
			data = append(data, 0)
			continue
		}
		data = append(data, t.Data...)
	}
	t.Shape, t.Data = shape, data[:n*size]
}
