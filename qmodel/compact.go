// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/safetensors"
)

// Compact is the first version whose files are compact: the graph is one tensor of the container, in the spelling of bytes of
// the codec, and the numbers of all operators are another. Versions before have a JSON graph and a tensor for each array.
const Compact = 8

// Names of the tensors of a compact file, both U8.
const (
	graphTensor   = "graph"
	numbersTensor = "numbers"
)

// The container's types of numbers, and the ends of their names, by what stands for them in a compact graph. From
// len(suffixes) on stands .table0 and those after it.
var (
	dtypes   = []string{"U8", "I8", "I32", "I64"}
	suffixes = []string{weightSuffix, tableSuffix, multiplierSuffix, thresholdSuffix, shiftSuffix, biasSuffix, accumulatorBiasSuffix}
)

const (
	maxArrays = maxInputs + 8 // of an operator
	maxRank   = 4
)

// An array is the place of numbers in a compact file: those of an operator follow each other, and so do operators.
type array struct {
	suffix, dtype int // of suffixes and dtypes
	shape         []int
}

// A compactGraph is the graph and what arrays the operators have.
type compactGraph struct {
	*graph
	arrays [][]array // by operator
}

func (g *compactGraph) describe(c *codec) {
	g.graph.describe(c)
	if c.reading {
		g.arrays = make([][]array, len(g.Operators))
	}
	for i := range g.arrays {
		list(c, &g.arrays[i], maxArrays, (*codec).array)
	}
}

func (c *codec) array(a *array) {
	number(c, &a.suffix)
	number(c, &a.dtype)
	list(c, &a.shape, maxRank, number[int])
}

// compact returns the two tensors of a graph whose operators have these numbers.
func compact(g *graph, of func(*Operator) []safetensors.Tensor) []safetensors.Tensor {
	c := &compactGraph{graph: g, arrays: make([][]array, len(g.Operators))}
	var numbers []byte
	for i := range g.Operators {
		o := &g.Operators[i]
		for _, t := range of(o) {
			c.arrays[i] = append(c.arrays[i], array{suffixNumber(strings.TrimPrefix(t.Name, o.Name)), slices.Index(dtypes, t.DType), t.Shape})
			numbers = append(numbers, t.Data...)
		}
	}
	bytes := func(name string, b []byte) safetensors.Tensor {
		return safetensors.Tensor{Name: name, DType: "U8", Shape: []int{len(b)}, Data: b}
	}
	return []safetensors.Tensor{bytes(graphTensor, encodeBytes(c.describe)), bytes(numbersTensor, numbers)}
}

// suffixNumber returns what stands for the end of a name, which is one of suffixes, or one of a numbered table.
func suffixNumber(suffix string) int {
	if i := slices.Index(suffixes, suffix); i >= 0 {
		return i
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(suffix, tableSuffix))
	return len(suffixes) + n
}

// suffix is the inverse of suffixNumber.
func suffix(number int) string {
	if number < len(suffixes) {
		return suffixes[number]
	}
	return tableSuffix + strconv.Itoa(number-len(suffixes))
}

// expand reads the graph of a compact file and returns its tensors as those of a file that is not.
func expand(f *safetensors.File, g *graph) ([]safetensors.Tensor, error) {
	if len(f.Tensors) != 2 || f.Tensors[0].Name != graphTensor || f.Tensors[1].Name != numbersTensor {
		return nil, fmt.Errorf("the tensors of a file of version %d are %s and %s, in this order, and no others", Compact, graphTensor, numbersTensor)
	}
	c := &compactGraph{graph: g}
	if err := decodeBytes(f.Tensors[0].Data, c.describe); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", graphTensor, err)
	}
	var tensors []safetensors.Tensor
	rest := f.Tensors[1].Data
	for i, o := range g.Operators {
		for _, a := range c.arrays[i] {
			data, err := a.cut(rest)
			if err != nil {
				return nil, fmt.Errorf("operator %d (%.80q): %w", i, o.Name, err)
			}
			rest = rest[len(data):]
			tensors = append(tensors, safetensors.Tensor{Name: o.Name + suffix(a.suffix), DType: dtypes[a.dtype], Shape: a.shape, Data: data})
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("tensor %q has %d bytes that belong to no operator", numbersTensor, len(rest))
	}
	return tensors, nil
}

// cut returns the bytes of an array that others may follow.
func (a *array) cut(rest []byte) ([]byte, error) {
	if a.suffix < 0 || a.suffix > len(suffixes)+maxInputs || a.dtype < 0 || a.dtype >= len(dtypes) {
		return nil, errors.New("numbers of an unknown name or type")
	}
	size := elementBytes(dtypes[a.dtype])
	for _, n := range a.shape {
		if n < 0 || n > 0 && size > len(rest)/n {
			return nil, fmt.Errorf("numbers %s of shape %v, of which %d bytes are there", suffix(a.suffix), a.shape, len(rest))
		}
		size *= n
	}
	if size > len(rest) {
		return nil, fmt.Errorf("numbers %s, of which %d bytes are there", suffix(a.suffix), len(rest))
	}
	return rest[:size:size], nil
}

// The spelling of bytes is that of JSON without what is always the same: numbers are zigzag varints as encoding/binary has
// them, texts and lists begin with their length, and what can be absent begins with 1 where it is there, else it is 0.

// encodeBytes returns what a method describes in bytes.
func encodeBytes(describe func(*codec)) []byte {
	c := &codec{bytes: true}
	describe(c)
	return c.text
}

// decodeBytes is the inverse of encodeBytes and accepts nothing else.
func decodeBytes(b []byte, describe func(*codec)) error {
	return decodeAs(codec{bytes: true}, string(b), describe)
}

// varint is a number in bytes.
func (c *codec) varint(v *int64) {
	if !c.reading {
		c.text = binary.AppendVarint(c.text, *v)
		return
	}
	n, size := binary.Varint([]byte(c.rest[:min(len(c.rest), binary.MaxVarintLen64)]))
	if size <= 0 {
		c.fail("a number")
		return
	}
	if c.err == nil {
		*v, c.rest = n, c.rest[size:]
	}
}

// length is the length of what follows, each part of which takes a byte or more.
func (c *codec) length(n, most int) int {
	v := int64(n)
	c.varint(&v)
	if c.reading && (v < 0 || v > int64(min(most, len(c.rest)))) {
		c.fail(fmt.Sprintf("a length of at most %d", min(most, len(c.rest))))
	}
	if c.err != nil {
		return 0
	}
	return int(v)
}
