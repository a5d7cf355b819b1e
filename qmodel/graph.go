// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goqat/goqat/internal/safetensors"
)

// A graph is the structure of a model; its numbers are in the tensors of the file.
type graph struct {
	Tensors   []Tensor   `json:"tensors"`
	Operators []Operator `json:"operators"`
}

// maxGraph bounds the length of the JSON of a metadata entry.
const maxGraph = 1 << 22

// A codec writes or reads JSON that has one spelling only: that of encoding/json, without white space, keys in the order
// of the fields, and those marked omitzero left out where they are zero; or the same in bytes (compact.go). What it reads and
// writes is said once for both. It is written out so that hostile text takes little memory, and programs that run models need no
// encoding/json.
type codec struct {
	reading bool
	bytes   bool   // instead of JSON
	text    []byte // what is written
	rest    string // what is left to read
	err     error  // of reading; then nothing more is read
}

// encode returns the JSON of what a method describes.
func encode(describe func(*codec)) string {
	c := &codec{}
	describe(c)
	return string(c.text)
}

// decode is the inverse of encode and accepts nothing else.
func decode(text string, describe func(*codec)) error { return decodeAs(codec{}, text, describe) }

// decodeAs decodes what a codec spells.
func decodeAs(by codec, text string, describe func(*codec)) error {
	if len(text) > maxGraph {
		return fmt.Errorf("%d bytes, more than %d", len(text), maxGraph)
	}
	c := &codec{reading: true, bytes: by.bytes, rest: text}
	describe(c)
	if c.err == nil && c.rest != "" {
		c.fail("the end")
	}
	if c.err != nil {
		return fmt.Errorf("not in the form that goqat writes: byte %d: %w", len(text)-len(c.rest), c.err)
	}
	again := &codec{bytes: by.bytes, text: make([]byte, 0, len(text))}
	if describe(again); string(again.text) != text {
		return fmt.Errorf("not in the form that goqat writes, but another spelling of the same")
	}
	return nil
}

func (c *codec) fail(wanted string) {
	if c.err == nil {
		c.err = fmt.Errorf("%s expected", wanted)
	}
}

// literal is a part of the text that is always the same.
func (c *codec) literal(s string) {
	switch rest, found := strings.CutPrefix(c.rest, s); {
	case c.bytes:
	case !c.reading:
		c.text = append(c.text, s...)
	case c.err != nil:
	case found:
		c.rest = rest
	default:
		c.fail(s)
	}
}

// optional is a key that is there where its value is not zero; it says whether it is.
func (c *codec) optional(key string, there bool) bool {
	if c.bytes {
		n := 0
		if there {
			n = 1
		}
		return c.length(n, 1) == 1
	}
	if c.reading {
		there = c.err == nil && strings.HasPrefix(c.rest, key)
	}
	if there {
		c.literal(key)
	}
	return there
}

func (c *codec) string(v *string) {
	if c.bytes {
		n := c.length(len(*v), maxGraph)
		if !c.reading {
			c.text = append(c.text, *v...)
		} else if *v, c.rest = c.rest[:n], c.rest[n:]; !utf8.ValidString(*v) {
			c.fail("a text in UTF-8")
		}
		return
	}
	if !c.reading {
		c.text = safetensors.Quote(c.text, *v, "<>&")
		return
	}
	c.literal(`"`)
	for end := 0; c.err == nil; end++ {
		i := strings.IndexAny(c.rest[end:], `"\`)
		if end += i; i < 0 || end+1 == len(c.rest) && c.rest[end] == '\\' {
			c.fail("the end of a string")
		} else if c.rest[end] == '\\' {
			end++
		} else {
			s, ok := safetensors.Unescape(c.rest[:end])
			if !ok {
				c.fail("a string")
			}
			*v, c.rest = s, c.rest[end+1:]
			return
		}
	}
}

func number[T int | int32 | uint32](c *codec, v *T) {
	if c.bytes {
		n := int64(*v)
		c.varint(&n)
		if *v = T(n); int64(*v) != n {
			c.fail("a number of this field")
		}
		return
	}
	if !c.reading {
		c.text = strconv.AppendInt(c.text, int64(*v), 10)
		return
	}
	end := 0
	for end < len(c.rest) && end < 20 && (c.rest[end] == '-' || c.rest[end] >= '0' && c.rest[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(c.rest[:end], 10, 64)
	if *v = T(n); err != nil || int64(*v) != n {
		c.fail("a number of this field")
	}
	if c.err == nil {
		c.rest = c.rest[end:]
	}
}

// numbers is a list of a length that is known.
func numbers[T int | int32](c *codec, v []T) {
	for i := range v {
		if i == 0 {
			c.literal("[")
		} else {
			c.literal(",")
		}
		number(c, &v[i])
	}
	c.literal("]")
}

// list is a list of at most so many elements.
func list[T any](c *codec, v *[]T, most int, each func(c *codec, v *T)) {
	if c.bytes {
		n := c.length(len(*v), most)
		if c.reading {
			*v = make([]T, 0, min(n, 16))
		}
		for i := 0; i < n && c.err == nil; i++ {
			if c.reading {
				*v = append(*v, *new(T))
			}
			each(c, &(*v)[i])
		}
		return
	}
	c.literal("[")
	if c.reading {
		*v = []T{}
	}
	for i := 0; ; i++ {
		if c.reading && (c.err != nil || strings.HasPrefix(c.rest, "]")) || !c.reading && i == len(*v) {
			break
		}
		if i > 0 {
			c.literal(",")
		}
		if c.reading {
			if i == most {
				c.fail(fmt.Sprintf("a list of at most %d", most))
				break
			}
			*v = append(*v, *new(T))
		}
		each(c, &(*v)[i])
	}
	c.literal("]")
}

func (g *graph) describe(c *codec) {
	c.literal(`{"tensors":`)
	list(c, &g.Tensors, maxOperators+1, (*codec).tensor)
	c.literal(`,"operators":`)
	list(c, &g.Operators, maxOperators, (*codec).operator)
	c.literal("}")
}

func (c *codec) tensor(t *Tensor) {
	c.literal(`{"name":`)
	c.string(&t.Name)
	c.literal(`,"height":`)
	number(c, &t.Height)
	c.literal(`,"width":`)
	number(c, &t.Width)
	c.literal(`,"channels":`)
	number(c, &t.Channels)
	c.literal(`,"kind":`)
	c.kind(&t.Kind)
	c.literal(`,"bits":`)
	number(c, &t.Bits)
	if c.optional(`,"signs":true`, t.Signs) && c.reading {
		t.Signs = true
	}
	if c.optional(`,"zero_point":`, t.ZeroPoint != 0) {
		number(c, &t.ZeroPoint)
	}
	if c.optional(`,"range":`, t.Range != [2]int32{}) {
		numbers(c, t.Range[:])
	}
	if c.optional(`,"scale_bits":`, t.ScaleBits != 0) {
		number(c, &t.ScaleBits)
	}
	c.literal("}")
}

func (c *codec) kind(k *Kind) {
	if c.bytes {
		n := int(*k)
		if number(c, &n); n < 0 || n >= len(kinds) {
			c.fail("a kind of tensor")
			n = 0
		}
		*k = Kind(n)
		return
	}
	name := k.String()
	c.string(&name)
	if !c.reading {
		return
	}
	if i := slices.Index(kinds, name); i >= 0 {
		*k = Kind(i)
	} else {
		c.fail("a kind of tensor")
	}
}

func (c *codec) operator(o *Operator) {
	c.literal(`{"name":`)
	c.string(&o.Name)
	c.literal(`,"op":`)
	c.string(&o.Op)
	if c.optional(`,"method":`, o.Method != "") {
		c.string(&o.Method)
	}
	c.literal(`,"inputs":`)
	list(c, &o.Inputs, maxInputs, number[int])
	c.literal(`,"output":`)
	number(c, &o.Output)
	if c.optional(`,"kernel":`, o.Kernel != [2]int{}) {
		numbers(c, o.Kernel[:])
	}
	if c.optional(`,"stride":`, o.Stride != [2]int{}) {
		numbers(c, o.Stride[:])
	}
	if c.optional(`,"pad":`, o.Pad != [4]int{}) {
		numbers(c, o.Pad[:])
	}
	if c.optional(`,"groups":`, o.Groups != 0) {
		number(c, &o.Groups)
	}
	if c.optional(`,"dilation":`, o.Dilation != [2]int{}) {
		numbers(c, o.Dilation[:])
	}
	if c.optional(`,"count_pad":true`, o.CountPad) && c.reading {
		o.CountPad = true
	}
	if c.optional(`,"first":`, o.First != 0) {
		number(c, &o.First)
	}
	if c.optional(`,"shuffle":`, o.Shuffle != 0) {
		number(c, &o.Shuffle)
	}
	if c.optional(`,"factor":`, o.Factor != [2]int{}) {
		numbers(c, o.Factor[:])
	}
	if c.optional(`,"weights":`, o.Weights != nil) {
		if c.reading {
			o.Weights = &Weights{}
		}
		c.weights(o.Weights)
	}
	c.literal("}")
}

func (c *codec) weights(w *Weights) {
	c.literal(`{"bits":`)
	number(c, &w.Bits)
	if c.optional(`,"coding":`, w.Coding != "") {
		c.string((*string)(&w.Coding))
	}
	if c.optional(`,"planes":`, w.Planes != 0) {
		number(c, &w.Planes)
	}
	if c.optional(`,"packing":`, w.Packing != "") {
		c.string((*string)(&w.Packing))
	}
	c.literal("}")
}

// describe returns the JSON of a version: the first has a single zero point and scale.
func (in *Input) describe(version int) func(*codec) {
	return func(c *codec) {
		c.literal(`{"height":`)
		number(c, &in.Height)
		c.literal(`,"width":`)
		number(c, &in.Width)
		c.literal(`,"channels":`)
		number(c, &in.Channels)
		if version == 1 {
			if c.reading {
				in.ZeroPoints, in.ScaleBits = make([]int32, 1), make([]uint32, 1)
			}
			c.literal(`,"zero_point":`)
			number(c, &in.ZeroPoints[0])
			c.literal(`,"scale_bits":`)
			number(c, &in.ScaleBits[0])
		} else {
			c.literal(`,"zero_points":`)
			list(c, &in.ZeroPoints, maxSize, number[int32])
			c.literal(`,"scale_bits":`)
			list(c, &in.ScaleBits, maxSize, number[uint32])
		}
		if c.optional(`,"samples":`, in.Samples != nil) {
			if c.reading {
				in.Samples = &Samples{}
			}
			c.literal(`{"zero_points":`)
			list(c, &in.Samples.ZeroPoints, maxSize, number[int32])
			c.literal(`,"scale_bits":`)
			list(c, &in.Samples.ScaleBits, maxSize, number[uint32])
			c.literal("}")
		}
		c.literal("}")
	}
}

func (d *Data) describe(c *codec) {
	c.literal(`{"digest":`)
	c.string(&d.Digest)
	c.literal(`,"seed":`)
	number(c, &d.Seed)
	if c.optional(`,"resize":`, d.Resize != "") {
		c.string(&d.Resize)
	}
	c.literal("}")
}

// describeClasses is a list of names.
func describeClasses(classes *[]string) func(*codec) {
	return func(c *codec) { list(c, classes, maxClasses, (*codec).string) }
}
