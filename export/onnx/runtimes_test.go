// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// sources returns the node that makes each tensor of a graph.
func sources(g *onnxproto.Graph) map[string]*onnxproto.Node {
	list := map[string]*onnxproto.Node{}
	for i := range g.Nodes {
		list[g.Nodes[i].Outputs[0]] = &g.Nodes[i]
	}
	return list
}

// averaged returns a model of an average with padding.
func averaged(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 7, 6, 2)
	x := b.Conv(0, qmodeltest.Square(3, 1, 1), 4, 1, 8, 8)
	return b.Finish(b.AvgPool(x, qmodeltest.Square(3, 2, 1), 8), 3)
}

// OpenVINO averages codes and gives the padding that counts code 0: findings/openvino-average-pool-padding.sh.
func TestQDQAveragesOverPaddingOfTheZeroPoint(t *testing.T) {
	counted := 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		m := averaged(rng)
		file, statements, err := onnx.QDQ(m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		agrees(t, m, file, statements, images(rng, m, 2), func(_ *qmodel.Tensor, _ int, code int64) float64 { return float64(code) })
		zero := m.Tensors[m.Operators[1].Inputs[0]].ZeroPoint
		for _, n := range file.Graph.Nodes {
			for _, a := range n.Attributes {
				if a.Name == "count_include_pad" && zero != 0 {
					t.Errorf("seed %d: %s counts padding of codes around %d", seed, n.Op, zero)
				}
			}
		}
		if m.Operators[1].CountPad && zero != 0 {
			counted++
		}
	}
	if counted == 0 {
		t.Error("no average counted padding")
	}
}

// ONNX Runtime makes one rounding of two that meet: findings/onnxruntime-two-roundings.sh. A table that halves the scale
// of a tensor would be such a pair.
func TestQDQNeverRoundsTwiceInARow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	b := qmodeltest.New(rng, 7, 6, 2)
	x := b.Conv(0, qmodeltest.Square(3, 1, 1), 4, 1, 8, 8)
	y := b.Table(x, 8)
	halve := b.Model.Operators[1].Table
	from, to := b.Model.Tensors[x].ZeroPoint, b.Model.Tensors[y].ZeroPoint
	b.Model.Tensors[x].ScaleBits = math.Float32bits(math.Float32frombits(b.Model.Tensors[y].ScaleBits) / 2)
	for code := range halve {
		halve[code] = uint8(min(max(int32(math.RoundToEven(float64(int32(code)-from)/2))+to, 0), 255))
	}
	m := b.Finish(y, 3)
	file, statements, err := onnx.QDQ(m, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if statements[1].Agreement != agreement.Exact {
		t.Errorf("the table is said to be %s", statements[1].Agreement)
	}
	agrees(t, m, file, statements, images(rng, m, 2), func(_ *qmodel.Tensor, _ int, code int64) float64 { return float64(code) })
	of := sources(&file.Graph)
	for _, n := range file.Graph.Nodes {
		if n.Op != "QuantizeLinear" {
			continue
		}
		if d := of[n.Inputs[0]]; d != nil && d.Op == "DequantizeLinear" {
			if q := of[d.Inputs[0]]; q != nil && q.Op == "QuantizeLinear" {
				t.Errorf("%s rounds what %s rounded", n.Name, q.Name)
			}
		}
	}
}

// ONNX Runtime adds the codes of a linear layer's bias whatever their scale: findings/onnxruntime-gemm-bias-scale.sh.
func TestQDQBiasesHaveTheScaleOfTheAccumulator(t *testing.T) {
	biases := 0
	for name, build := range random {
		m := build(rand.New(rand.NewPCG(3, 9)))
		file, _, err := onnx.QDQ(m, onnx.Options{Bias: onnx.Int32Bias})
		if err != nil {
			t.Fatal(err)
		}
		of, scales := sources(&file.Graph), map[string][]float32{}
		for _, c := range file.Graph.Initializers {
			if c.Type == onnxproto.TypeFloat {
				for at := 0; at < len(c.Data); at += 4 {
					scales[c.Name] = append(scales[c.Name], math.Float32frombits(binary.LittleEndian.Uint32(c.Data[at:])))
				}
			}
		}
		scale := func(x string) []float32 { return scales[of[x].Inputs[1]] }
		for _, n := range file.Graph.Nodes {
			if n.Op != "Gemm" && n.Op != "Conv" || len(n.Inputs) < 3 || of[n.Inputs[2]] == nil || of[n.Inputs[0]].Op != "DequantizeLinear" {
				continue
			}
			biases++
			in, bias := scale(n.Inputs[0]), scale(n.Inputs[2])
			for c, w := range scale(n.Inputs[1]) {
				if bias[c] != in[0]*w {
					t.Errorf("%s: %s has a bias of scale %v in channel %d, want %v", name, n.Name, bias[c], c, in[0]*w)
				}
			}
		}
	}
	if biases < len(random) {
		t.Errorf("%d biases", biases)
	}
}

// OpenVINO takes pairs of QuantizeLinear and DequantizeLinear of 16 bits away: findings/openvino-16-bit.sh.
// tract takes codes whose type output_dtype says for UINT8: findings/tract-output-dtype.sh; a zero point says it here.
func TestQDQCodesHaveEightBits(t *testing.T) {
	for name, build := range random {
		file, _, err := onnx.QDQ(build(rand.New(rand.NewPCG(4, 9))), onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		types := map[string]onnxproto.Type{}
		for _, c := range file.Graph.Initializers {
			types[c.Name] = c.Type
		}
		for _, n := range file.Graph.Nodes {
			if n.Op == "QuantizeLinear" && types[n.Inputs[2]] != onnxproto.TypeUint8 {
				t.Errorf("%s: %s has a zero point of type %v", name, n.Name, types[n.Inputs[2]])
			}
		}
	}
}

// ONNX Runtime rounds weights of real numbers between DequantizeLinear and QuantizeLinear to 8 bits, and real inputs of weights that are
// codes: findings/onnxruntime-float-weights.sh, onnxruntime-weights-alone.sh.
// Scales along the inputs are mixed up by it and by OpenVINO: findings/onnxruntime-scales-per-input.sh, openvino-scales-per-input.sh.
func TestQDQWeightsAreCodesWithAScaleForEachOutput(t *testing.T) {
	layers := 0
	for name, build := range random {
		for seed := range uint64(4) {
			file, _, err := onnx.QDQ(build(rand.New(rand.NewPCG(seed, 10))), onnx.Options{})
			if err != nil {
				continue
			}
			of, constants := sources(&file.Graph), map[string]*onnxproto.Tensor{}
			for i, c := range file.Graph.Initializers {
				constants[c.Name] = &file.Graph.Initializers[i]
			}
			for _, n := range file.Graph.Nodes {
				if n.Op != "Conv" && n.Op != "Gemm" {
					continue
				}
				w := of[n.Inputs[1]]
				codesIn, codesOfWeights := of[n.Inputs[0]] != nil && of[n.Inputs[0]].Op == "DequantizeLinear", w != nil && w.Op == "DequantizeLinear"
				if codesIn && !codesOfWeights || codesOfWeights && !codesIn && n.Op == "Gemm" { // ONNX Runtime computes a Conv of codes beside real numbers as it is written
					t.Errorf("%s: of %s only one is codes, the input or the weights", name, n.Name)
				}
				if !codesIn || !codesOfWeights {
					continue
				}
				layers++
				codes, scales := constants[w.Inputs[0]], constants[w.Inputs[1]]
				outputs := n.Op == "Conv" || n.Attributes[0].Name == "transB" && n.Attributes[0].Int == 1 // in the first dimension
				if !outputs || w.Attributes[0].Name != "axis" || w.Attributes[0].Int != 0 || len(scales.Dims) != 1 || scales.Dims[0] != codes.Dims[0] {
					t.Errorf("%s: %s has weights %v with scales %v, %v", name, n.Name, codes.Dims, scales.Dims, w.Attributes)
				}
			}
		}
	}
	if layers < 4*len(random) {
		t.Errorf("%d layers", layers)
	}
}

// What runtimes compute wrongly of codes: Softmax in tract, the others in OpenCV (findings/tract-softmax.sh,
// opencv-leaky-relu.sh, opencv-elementwise-sums.sh), auto_pad of any of them (opencv-auto-pad.sh).
func TestQDQLeavesOutWhatRuntimesMiscompute(t *testing.T) {
	wrong := map[string]bool{"Softmax": true, "LogSoftmax": true, "LeakyRelu": true, "Sub": true, "Div": true, "Max": true, "Min": true}
	for name, build := range random {
		for seed := range uint64(4) {
			file, _, err := onnx.QDQ(build(rand.New(rand.NewPCG(seed, 11))), onnx.Options{})
			if err != nil {
				continue
			}
			of := sources(&file.Graph)
			for _, n := range file.Graph.Nodes {
				if n.Attribute("auto_pad") != nil {
					t.Errorf("%s: %s has auto_pad", name, n.Name)
				}
				if from := of[n.Inputs[0]]; wrong[n.Op] && from != nil && from.Op == "DequantizeLinear" {
					t.Errorf("%s: %s, a %s of %s", name, n.Name, n.Op, from.Name)
				}
			}
		}
	}
}

// OpenVINO saturates sums, products and shifts of bytes, and adds up and compares INT32 in float32:
// findings/openvino-byte-arithmetic.sh, openvino-int32-in-float32.sh.
func TestFilesComputeInRealNumbers(t *testing.T) {
	left := map[string]bool{"BitShift": true, "ConvInteger": true, "MatMulInteger": true, "Less": true, "Greater": true, "Equal": true}
	real := map[string]bool{"ReduceSum": true, "Add": true, "Sub": true, "Mul": true, "GreaterOrEqual": true}
	files := []func(*qmodel.Model, onnx.Options) (*onnxproto.Model, []agreement.Statement, error){onnx.Exact, onnx.QDQ}
	operations := 0
	for name, build := range random {
		for _, write := range files {
			file, _, err := write(build(rand.New(rand.NewPCG(5, 12))), onnx.Options{})
			if err != nil {
				continue
			}
			of, types := sources(&file.Graph), map[string]onnxproto.Type{}
			for _, c := range file.Graph.Initializers {
				types[c.Name] = c.Type
			}
			for _, n := range file.Graph.Nodes {
				if left[n.Op] {
					t.Errorf("%s: %s is a %s", name, n.Name, n.Op)
				}
				if !real[n.Op] {
					continue
				}
				operations++
				for _, in := range n.Inputs {
					made := of[in]
					bytes := types[in] == onnxproto.TypeUint8 || types[in] == onnxproto.TypeInt8 || made != nil && (made.Op == "QuantizeLinear" ||
						made.Op == "Cast" && (made.Attributes[0].Int == int64(onnxproto.TypeUint8) || made.Attributes[0].Int == int64(onnxproto.TypeInt8)))
					if bytes || n.Op == "GreaterOrEqual" && types[in] == onnxproto.TypeInt32 {
						t.Errorf("%s: %s, a %s of integers", name, n.Name, n.Op)
					}
				}
			}
		}
	}
	if operations < 4*len(random) {
		t.Errorf("%d operations", operations)
	}
}
