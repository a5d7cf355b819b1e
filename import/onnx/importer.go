// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// An importer turns the nodes of a file into operators, in the file's order.
type importer struct {
	options Options
	opsets  []onnxproto.Opset
	program *onnxeval.Program
	network *network.Network
	values  map[string]view // by the name of the file's tensor
	readers map[string]int
	output  string // of the file
	bytes   bool   // the file is given bytes
	names   names
	numbers map[string][]float32 // the parameters
	model   *Model
	refused []Refusal
	endings map[string]bool // tensors whose numbers are those of the output
}

// A misfit is why a node is refused, and the nearest form that is not.
type misfit struct{ reason, nearest string }

func (m *misfit) Error() string { return m.reason }

// misfitf returns a reason to refuse a node.
func misfitf(nearest, format string, args ...any) error {
	return &misfit{fmt.Sprintf(format, args...), nearest}
}

// maxConstants bounds what a file may have computed, in bytes: shapes, and weights that it does not store as they are.
const maxConstants = 32 << 20

// Import imports a model that is in memory whole.
func Import(m *onnxproto.Model, o Options) (*Model, error) {
	input, v, err := imageOf(&m.Graph)
	if err != nil {
		return nil, err
	}
	output, err := logitsOf(&m.Graph, o.Logits)
	if err != nil {
		return nil, err
	}
	dims := []int{1}
	for _, d := range v.dims[1:] {
		dims = append(dims, count(d))
	}
	program, err := onnxeval.Prepare(m, input.Type, dims, onnxeval.Options{Double: true, Skip: true, Constants: maxConstants})
	if err != nil {
		return nil, err
	}
	i := &importer{
		options: o, opsets: m.Opsets, program: program, network: &network.Network{Image: v.tensor}, values: map[string]view{}, readers: map[string]int{},
		output: output, bytes: input.Type == onnxproto.TypeUint8, names: newNames(), numbers: map[string][]float32{}, model: &Model{program: program, layout: v.dims, most: o},
	}
	if others := len(m.Graph.Outputs) - 1; others > 0 {
		i.note("of %d outputs %q is taken, of the others what it needs", others+1, output)
	}
	nodes := i.joined(i.needed(m.Graph.Nodes))
	v.affine = newAffine(v.tensor.Channels)
	i.set(input.Name, v)
	for _, n := range nodes {
		i.take(n)
	}
	if len(i.refused) > 0 {
		return nil, &Unsupported{i.refused}
	}
	if err := i.finish(); err != nil {
		return nil, err
	}
	return i.model, nil
}

// shownOutputs is how many outputs a message names.
const shownOutputs = 8

// logitsOf returns the name of the output that the logits are: the named one, or the only one.
func logitsOf(g *onnxproto.Graph, name string) (string, error) {
	if len(g.Outputs) == 1 && name == "" {
		return g.Outputs[0].Name, nil
	}
	var list []string
	for k, v := range g.Outputs {
		if v.Name == name {
			return name, nil
		}
		if k >= shownOutputs {
			continue
		}
		var dims []string
		for _, d := range v.Dims {
			dims = append(dims, cmp.Or(d.Name, strconv.FormatInt(d.Size, 10)))
		}
		of := ""
		if dims != nil {
			of = " of " + strings.Join(dims, "×")
		}
		list = append(list, fmt.Sprintf("%q%s", v.Name, of))
	}
	if more := len(g.Outputs) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	if name == "" {
		return "", fmt.Errorf("onnx: the model has %d outputs, %s, and goqat's networks have one: name that of the logits", len(g.Outputs), strings.Join(list, ", "))
	}
	return "", fmt.Errorf("onnx: the model has no output %q; it has %s", name, strings.Join(list, ", "))
}

// imageOf returns the input of a graph and how it sees the image.
func imageOf(g *onnxproto.Graph) (*onnxproto.Value, view, error) {
	fed := g.Fed()
	switch {
	case len(fed) == 0:
		return nil, view{}, errors.New("onnx: it has no input, so that it is no ONNX file or holds no network")
	case len(fed) > 1:
		return nil, view{}, fmt.Errorf("onnx: the model has two inputs, %q and %q, and goqat's networks have one", fed[0].Name, fed[1].Name)
	}
	input := fed[0]
	if t := input.Type; t != onnxproto.TypeFloat && t != onnxproto.TypeDouble && t != onnxproto.TypeUint8 {
		return nil, view{}, fmt.Errorf("onnx: the input %q is %v, want FLOAT or UINT8", input.Name, t)
	}
	const most = 1 << 16
	var n []int
	for k, d := range input.Dims {
		if k > 0 && (d.Name != "" || d.Size < 1 || d.Size > most) {
			return nil, view{}, fmt.Errorf("onnx: dimension %d of the input %q is %q, %d; export the model for images of a fixed size, 1 to %d", k, input.Name, d.Name, d.Size, most)
		}
		n = append(n, int(d.Size))
	}
	image := &network.Tensor{Name: "image", Height: 1, Width: 1}
	byRow := func(c int) bool { return c == 1 || c == 3 }
	switch len(n) {
	case 2:
		image.Channels = n[1]
	case 3:
		image.Channels, image.Width = n[1], n[2]
	case 4:
		if byRow(n[3]) && !byRow(n[1]) { // as Keras has it
			image.Height, image.Width, image.Channels = n[1], n[2], n[3]
			v := planes(image, 4)
			v.dims = [][]factor{nil, v.dims[2], v.dims[3], v.dims[1]}
			return input, v, nil
		}
		image.Channels, image.Height, image.Width = n[1], n[2], n[3]
	default:
		return nil, view{}, fmt.Errorf("onnx: the input %q has %d dimensions, want batch, channels, height and width", input.Name, len(n))
	}
	return input, planes(image, len(n)), nil
}

// needed returns the nodes that the output depends on and that depend on the input, and counts who reads what they make.
func (i *importer) needed(nodes []onnxproto.Node) (list []*onnxproto.Node) {
	wanted := map[string]bool{i.output: true}
	i.endings = map[string]bool{i.output: true}
	i.readers[i.output]++
	for k := len(nodes) - 1; k >= 0; k-- {
		n := &nodes[k]
		if !slices.ContainsFunc(n.Outputs, func(name string) bool { return name != "" && wanted[name] }) || i.fixedResult(n) {
			continue
		}
		for _, name := range n.Inputs {
			wanted[name] = true
			i.readers[name]++
		}
		if len(n.Inputs) > 0 && i.endings[n.Outputs[0]] && slices.Contains([]string{"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast"}, n.Op) {
			i.endings[n.Inputs[0]] = true
		}
		list = append(list, n)
	}
	slices.Reverse(list)
	return list
}

// fixedResult says whether what a node makes is known.
func (i *importer) fixedResult(n *onnxproto.Node) bool {
	t := i.program.Tensors[n.Outputs[0]]
	return t != nil && t.Fixed()
}

// set says how the file sees a tensor of the network.
func (i *importer) set(name string, v view) {
	v.shared = v.shared || i.readers[name] > 1
	i.values[name] = v
}

// take turns a node into operators, or refuses it.
func (i *importer) take(n *onnxproto.Node) {
	take, ok := rules[onnxeval.Operator(n)]
	if !ok {
		i.refuse(n, misfitf(nearest[onnxeval.Operator(n)], "goqat has no such operator"))
		return
	}
	if i.program.Tensors[n.Outputs[0]] == nil { // it needs what was refused
		return
	}
	if err := take(i, n); err != nil {
		i.refuse(n, err)
		return
	}
	if v, ok := i.values[n.Outputs[0]]; ok && !i.fits(v, n.Outputs[0]) {
		i.refuse(n, misfitf("", "its result of %v cannot be followed", i.program.Tensors[n.Outputs[0]].Dims))
	}
}

// fits says whether a view has the shape of the file's tensor.
func (i *importer) fits(v view, name string) bool {
	dims := i.program.Tensors[name].Dims
	if v.pad != [4]int{} { // the windows that read it are held to their results
		return len(dims) == len(v.dims)
	}
	if len(dims) != len(v.dims) {
		return false
	}
	for k, d := range v.dims {
		if count(d) != dims[k] {
			return false
		}
	}
	return true
}

// errUnknown is of nodes that read what a refused node makes: there is nothing to say of them.
var errUnknown = errors.New("it reads what was refused")

// refuse lists a node. Those that read it are judged as if it gave what it reads, where it has that shape.
func (i *importer) refuse(n *onnxproto.Node, err error) {
	if errors.Is(err, errUnknown) {
		return
	}
	r := Refusal{Node: n.Name, Operator: onnxeval.Operator(n), Reason: err.Error()}
	if r.Node == "" {
		r.Node = n.Outputs[0]
	}
	var m *misfit
	if errors.As(err, &m) {
		r.Nearest = m.nearest
	}
	i.refused = append(i.refused, r)
	for _, in := range n.Inputs {
		if v, ok := i.values[in]; ok && i.program.Tensors[n.Outputs[0]] != nil && i.fits(v, n.Outputs[0]) {
			v.shared, v.affine, v.pad = true, nil, [4]int{}
			i.set(n.Outputs[0], v)
			return
		}
	}
}

// view returns how the file sees input k of a node, which is an image or what was made of one, without padding.
func (i *importer) view(n *onnxproto.Node, k int) (view, error) {
	v, err := i.padded(n, k)
	if err == nil && v.pad != [4]int{} {
		return v, misfitf("a Pad just before a Conv or a pooling", "it reads the result of a Pad")
	}
	return v, err
}

// padded returns the same, with its padding.
func (i *importer) padded(n *onnxproto.Node, k int) (view, error) {
	if k >= len(n.Inputs) || n.Inputs[k] == "" {
		return view{}, misfitf("", "it has no input %d", k)
	}
	v, ok := i.values[n.Inputs[k]]
	switch t := i.program.Tensors[n.Inputs[k]]; {
	case ok:
		return v, nil
	case t != nil && t.Fixed():
		return v, misfitf("", "its input %d is a constant", k)
	}
	return v, errUnknown
}

// real returns view for a node that reads the values: those of the image are what goqat makes of them.
func (i *importer) real(n *onnxproto.Node, k int) (view, error) {
	v, err := i.view(n, k)
	if err == nil && v.affine != nil {
		v = i.normalized(n, v)
	}
	return v, err
}

// constant returns input k of a node if it is known, nil if it is left out.
func (i *importer) constant(n *onnxproto.Node, k int) (*onnxeval.Tensor, error) {
	if k >= len(n.Inputs) || n.Inputs[k] == "" {
		return nil, nil
	}
	t := i.program.Tensors[n.Inputs[k]]
	switch {
	case t == nil:
		return nil, errUnknown
	case !t.Fixed():
		return nil, misfitf("a constant", "its input %q depends on the image", n.Inputs[k])
	}
	return t, nil
}

// isConstant says whether input k is known.
func (i *importer) isConstant(n *onnxproto.Node, k int) bool {
	t, err := i.constant(n, k)
	return err == nil && t != nil
}

// perChannel returns the numbers of a constant by the channels of the tensor that v sees.
func perChannel(v view, t *onnxeval.Tensor) ([]float64, error) {
	values, n := t.Values(), v.tensor.Channels
	list := make([]float64, n)
	if len(values) == 1 {
		for c := range list {
			list[c] = values[0]
		}
		return list, nil
	}
	at := v.channelDim()
	lead := len(t.Dims) - len(v.dims)
	for d, size := range t.Dims {
		if size != 1 && (d-lead != at || size != n) {
			return nil, misfitf("one number, or one for each channel", "a constant of %v differs within a channel", t.Dims)
		}
	}
	return inOrder(v, at, values), nil
}

// inOrder puts numbers of the channels in the order of the tensor.
func inOrder(v view, dim int, values []float64) []float64 {
	list := make([]float64, len(values))
	for k, c := range v.positions(v.dims[dim]) {
		list[c] = values[k]
	}
	return list
}

// add adds an operator, named after a node and its weights.
func (i *importer) add(n *onnxproto.Node, o network.Operator, height, width, channels int, inputs ...*network.Tensor) *network.Tensor {
	weights := ""
	if o.Kind.Weighted() && len(n.Inputs) > 1 {
		weights = n.Inputs[1]
	}
	o.Name = i.names.of(n.Name, weights, called[o.Kind])
	return i.network.Append(o, height, width, channels, inputs...)
}

// each adds a convolution of one tap for every channel, and a bias.
func (i *importer) each(n *onnxproto.Node, v view, weights, biases []float64) view {
	x := v.tensor
	o := network.Operator{Kind: network.Convolution, Channels: x.Channels, Window: geometry.Valid(1, 1), Biased: true}
	o.Window.Groups = x.Channels
	plain := *n
	plain.Inputs = nil // it is not named after the node's constants
	t := i.add(&plain, o, x.Height, x.Width, x.Channels, x)
	i.put(t.Name, "weight", singles(weights))
	i.put(t.Name, "bias", singles(biases))
	v.tensor, v.affine, v.shared = t, nil, false
	return v
}

// put keeps parameters.
func (i *importer) put(operator, what string, values []float32) {
	i.numbers[operator+"."+what] = values
}

// singles returns numbers as float32.
func singles(values []float64) []float32 {
	list := make([]float32, len(values))
	for k, v := range values {
		list[k] = float32(v)
	}
	return list
}

// update changes parameters, which start as the given number.
func (i *importer) update(o *network.Operator, what string, start float64, f func(c int, v float64) float64) {
	name := o.Name + "." + what
	list := i.numbers[name]
	if list == nil {
		list = slices.Repeat([]float32{float32(start)}, o.Output.Channels)
		i.numbers[name] = list
	}
	each := len(list) / o.Output.Channels
	for k, v := range list {
		list[k] = float32(f(k/each, float64(v)))
	}
}

// open says whether what follows the sums of the operator that makes v can become a part of it: nobody else reads them, and
// there is no activation yet.
func (v view) open() bool {
	o := v.tensor.Source
	return o != nil && !v.shared && v.pad == [4]int{} && o.Kind.Activates() && o.Activation == network.Identity
}

// finish makes the last operator one of logits, and the model.
func (i *importer) finish() error {
	v, ok := i.values[i.output]
	t := v.tensor
	switch {
	case !ok:
		return fmt.Errorf("onnx: the output %q does not depend on the image", i.output)
	case t.Height != 1 || t.Width != 1:
		return fmt.Errorf("onnx: the output %q is %s for each image; goqat's networks give one number for each class", i.output, t.Shape())
	case v.channelDim() < 0 || !sameDims([][]factor{v.dims[v.channelDim()]}, [][]factor{whole(t, channels)}):
		return fmt.Errorf("onnx: the output %q has the classes in another order than its last layer", i.output)
	}
	last := t.Source
	if last == nil {
		return errors.New("onnx: the output is the image")
	}
	for _, p := range i.model.Input.Channelwise() {
		if s := float64(p.Scale); !(s > 0) || math.IsInf(s, 0) {
			return errors.New("onnx: the file multiplies the image by 0 or by no number")
		}
	}
	if !last.Kind.Weighted() && !last.Kind.Averages() || last.Activation != network.Identity || i.readers[i.output] > 1 {
		n := &onnxproto.Node{Name: "logits/Conv"}
		v = i.each(n, v, slices.Repeat([]float64{1}, t.Channels), make([]float64, t.Channels))
		i.note("the network does not end with a layer of weights, so that %s, which changes nothing, was added", v.tensor.Name)
	}
	i.network.Logits = v.tensor
	for name, list := range i.numbers {
		for _, x := range list {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("onnx: %s has the number %v", name, x)
			}
		}
	}
	m := i.model
	m.Network, m.Parameters = i.network, i.numbers
	if m.result == "" {
		m.result = i.output
	}
	if err := i.classes(); err != nil {
		return err
	}
	return i.input()
}

// opset returns the version of the standard's operators.
func (i *importer) opset() int64 {
	for _, o := range i.opsets {
		if o.Domain == "" || o.Domain == "ai.onnx" {
			return o.Version
		}
	}
	return 0
}

// note keeps a sentence on what was changed.
func (i *importer) note(format string, args ...any) {
	i.model.Notes = append(i.model.Notes, fmt.Sprintf(format, args...))
}

// classes names the classes.
func (i *importer) classes() error {
	n := i.network.Logits.Channels
	m := i.model
	m.Classes = i.options.Classes
	if m.Classes == nil {
		m.Unnamed = true
		i.note("the classes have no names: they are matched by index with those of data that has as many")
		for c := range n {
			m.Classes = append(m.Classes, fmt.Sprint(c))
		}
	}
	if len(m.Classes) != n {
		return fmt.Errorf("onnx: there are %d names for %d classes; give one for each", len(m.Classes), n)
	}
	return nil
}
