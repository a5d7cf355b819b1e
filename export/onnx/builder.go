// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// A builder makes the graph of a model, operator by operator.
type builder struct {
	model  *qmodel.Model
	graph  onnxproto.Graph
	taken  map[string]bool
	shared map[string]string // initializers by type, dimensions and numbers
	names  []string          // of the model's tensors in the graph
	values []value           // of the model's tensors that are made
	prefix string            // of the names that the current operator gives
	// permuted tells the tensors whose channels are in the order channel, height, width of the tensor that was
	// flattened, as ONNX flattens, and not in goqat's, height, width, channel.
	permuted map[int]*qmodel.Tensor
}

// A value is a tensor of the model in the graph: of shape [N, channels, height, width], of shape [N, channels], or as both.
type value struct {
	image, row string
	flat       bool // it was made as a row
}

func newBuilder(m *qmodel.Model) *builder {
	b := &builder{model: m, taken: map[string]bool{"image": true, "logits": true}, shared: map[string]string{}, names: make([]string, len(m.Tensors)),
		values: make([]value, len(m.Tensors)), permuted: map[int]*qmodel.Tensor{}}
	last := m.Operators[len(m.Operators)-1].Output
	for i := range m.Tensors {
		switch i {
		case 0:
			b.names[i] = "image"
		case last:
			b.names[i] = "logits"
		default:
			b.names[i] = b.unique(m.Tensors[i].Name)
		}
	}
	b.values[0].image = "image"
	return b
}

// unique returns a name that nothing has, the given one if possible.
func (b *builder) unique(name string) string {
	free := name
	for n := 2; b.taken[free]; n++ {
		free = name + "_" + strconv.Itoa(n)
	}
	b.taken[free] = true
	return free
}

// start begins an operator of the model.
func (b *builder) start(o *qmodel.Operator) { b.prefix = o.Name + "." }

// node adds a node and returns the name of its output.
func (b *builder) node(op string, inputs []string, attributes ...onnxproto.Attribute) string {
	output := b.unique("v" + strconv.Itoa(len(b.graph.Nodes)))
	b.graph.Nodes = append(b.graph.Nodes, onnxproto.Node{Op: op, Inputs: inputs, Outputs: []string{output}, Attributes: attributes})
	return output
}

// output gives the last node, and the tensor that it made, the name of tensor i of the model, in the shape [N, channels] if
// flat. Other nodes have no names. Logits are always flat.
func (b *builder) output(i int, flat bool) {
	last := &b.graph.Nodes[len(b.graph.Nodes)-1]
	if b.model.Tensors[i].Kind == qmodel.Logits && !flat {
		b.node("Flatten", []string{last.Outputs[0]}, integer("axis", 1))
		last, flat = &b.graph.Nodes[len(b.graph.Nodes)-1], true
	}
	last.Name, last.Outputs[0] = b.names[i], b.names[i]
	if flat {
		b.values[i] = value{row: b.names[i], flat: true}
	} else {
		b.values[i] = value{image: b.names[i]}
	}
}

// image returns tensor i of the model with the shape [N, channels, height, width].
func (b *builder) image(i int) string {
	v := &b.values[i]
	if v.image == "" {
		v.image = b.node("Reshape", []string{v.row, b.int64s("shape", 0, -1, 1, 1)})
	}
	return v.image
}

// row returns tensor i of the model, of height and width 1, with the shape [N, channels].
func (b *builder) row(i int) string {
	v := &b.values[i]
	if v.row == "" {
		v.row = b.node("Flatten", []string{v.image}, integer("axis", 1))
	}
	return v.row
}

// in returns tensor i of the model in one of the two shapes.
func (b *builder) in(i int, flat bool) string {
	if flat {
		return b.row(i)
	}
	return b.image(i)
}

// initializer adds a constant, unless the same is there.
func (b *builder) initializer(name string, kind onnxproto.Type, dims []int64, data []byte) string {
	key := fmt.Sprint(kind, dims, string(data))
	if same := b.shared[key]; same != "" {
		return same
	}
	name = b.unique(b.prefix + name)
	b.shared[key] = name
	b.graph.Initializers = append(b.graph.Initializers, onnxproto.Tensor{Name: name, Type: kind, Dims: dims, Data: data})
	return name
}

func (b *builder) int64s(name string, values ...int64) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return b.initializer(name, onnxproto.TypeInt64, []int64{int64(len(values))}, data)
}

func (b *builder) float32s(name string, dims []int64, values ...float32) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return b.initializer(name, onnxproto.TypeFloat, dims, data)
}

func (b *builder) float64s(name string, dims []int64, values ...float64) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	return b.initializer(name, onnxproto.TypeDouble, dims, data)
}

// byte8 adds a single UINT8.
func (b *builder) byte8(name string, v int32) string {
	return b.initializer(name, onnxproto.TypeUint8, nil, []byte{byte(v)})
}

// cast adds a conversion to another type.
func (b *builder) cast(x string, to onnxproto.Type) string {
	return b.node("Cast", []string{x}, integer("to", int64(to)))
}

// zeroPoints returns what is to be taken from the codes of a tensor, as a constant: its zero point, nil for 0, or those of
// its channels. Codes that were flattened here lie channel by channel.
func zeroPoints(t *qmodel.Tensor, flat bool) (dims []int64, zeros []float32) {
	if t.ZeroPoints == nil {
		if t.ZeroPoint != 0 {
			zeros = []float32{float32(t.ZeroPoint)}
		}
		return nil, zeros
	}
	pixels := t.Channels / len(t.ZeroPoints) // of the image, where the tensor is flat
	for _, zero := range t.ZeroPoints {
		zeros = append(zeros, slices.Repeat([]float32{float32(zero)}, pixels)...)
	}
	return broadcast(len(zeros), flat), zeros
}

// join writes what the channels of the image have, in one word: one number for all, or one for each between commas.
func join[T any](values []T, write func(T) string) string {
	var words []string
	for _, v := range values {
		words = append(words, write(v))
	}
	return strings.Join(words, ",")
}

// broadcast returns the dimensions of a constant for each channel.
func broadcast(channels int, flat bool) []int64 {
	if flat {
		return []int64{1, int64(channels)}
	}
	return []int64{1, int64(channels), 1, 1}
}

func integer(name string, v int64) onnxproto.Attribute {
	return onnxproto.Attribute{Name: name, Kind: onnxproto.Int, Int: v}
}

func text(name, v string) onnxproto.Attribute {
	return onnxproto.Attribute{Name: name, Kind: onnxproto.String, String: v}
}

func integers(name string, v ...int) onnxproto.Attribute {
	a := onnxproto.Attribute{Name: name, Kind: onnxproto.Ints}
	for _, n := range v {
		a.Ints = append(a.Ints, int64(n))
	}
	return a
}

// window returns the attributes of an operator's window.
func window(o *qmodel.Operator) []onnxproto.Attribute {
	list := []onnxproto.Attribute{integers("kernel_shape", o.Kernel[:]...), integers("strides", o.Stride[:]...), integers("pads", o.Pad[:]...)}
	if o.Weighted() {
		list = append(list, integer("group", int64(o.Groups)))
	}
	if o.Dilation != [2]int{} {
		list = append(list, integers("dilations", o.Dilation[:]...))
	}
	return list
}
