// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goqat/goqat/qmodel"
)

// tables writes constants.
type tables struct {
	text  strings.Builder
	bytes int
}

// step writes the constants of a step, each under the name of the operator.
func (t *tables) step(s *step) {
	o := s.o
	fmt.Fprintf(&t.text, "\n/* %s: %s%s, %d x %d x %d */\n", comment(o.Name), o.Op, describe(o), s.out.Height, s.out.Width, s.out.Channels)
	switch s.form {
	case formConv, formLinear, formDepthwise:
		t.layer(s)
	case formMaximum:
		fmt.Fprintf(&t.text, "static const net_window net_%s = %s;\n", s.name, window(s))
	case formAverage:
		e := t.end(s)
		fmt.Fprintf(&t.text, "static const net_window net_%s = %s;\nstatic const net_end net_%s_end = %s;\n", s.name, window(s), s.name, e)
	case formPaddedAverage:
		var shares []int32
		for _, share := range o.Window().Shares(s.in.Height, s.in.Width, o.CountPad) {
			shares = append(shares, int32(share))
		}
		array(t, "int32_t", s.name+"_shares", shares, 4)
		e := t.end(s)
		fmt.Fprintf(&t.text, "static const net_window net_%s = %s;\nstatic const net_end net_%s_end = %s;\n", s.name, window(s), s.name, e)
	case formCombine, formProduct:
		e := t.end(s)
		fmt.Fprintf(&t.text, "static const net_end net_%s = %s;\n", s.name, e)
	case formConcat:
		for k, table := range o.Tables {
			if table != nil {
				array(t, "uint8_t", fmt.Sprintf("%s_table%d", s.name, k), table, 1)
			}
		}
	case formTable:
		array(t, "uint8_t", s.name, o.Table, 1)
	}
}

// describe says what weights are.
func describe(o *qmodel.Operator) string {
	w := o.Weights
	if w == nil {
		return ""
	}
	text := fmt.Sprintf(", weights %d x %d x %d x %d of %d bits", w.Shape[0], w.Shape[1], w.Shape[2], w.Shape[3], w.Bits)
	if w.Coding != qmodel.Narrow {
		text += ", " + string(w.Coding)
	}
	if w.Planes > 1 {
		text += fmt.Sprintf(", %d planes", w.Planes)
	}
	return text
}

func window(s *step) string {
	o := s.o
	return fmt.Sprintf(`{
    .in_height = %d, .in_width = %d, .in_channels = %d, .out_height = %d, .out_width = %d, .out_channels = %d,
    .height = %d, .width = %d, .down = %d, .right = %d, .top = %d, .left = %d,
    .apart_down = %d, .apart_right = %d}`,
		s.in.Height, s.in.Width, s.in.Channels, s.out.Height, s.out.Width, s.out.Channels,
		o.Kernel[0], o.Kernel[1], o.Stride[0], o.Stride[1], o.Pad[0], o.Pad[1], max(1, o.Dilation[0]), max(1, o.Dilation[1]))
}

func (t *tables) layer(s *step) {
	var pieces strings.Builder
	for i, r := range s.rows {
		name := fmt.Sprintf("%s_weights%d", s.name, i)
		if s.counted {
			array(t, "uint32_t", name, r.wholeWords(), 4)
		} else {
			array(t, "uint8_t", name, r.bytes, 1)
		}
		bytes := 8 * r.words
		if s.form == formDepthwise {
			bytes = 4 * r.words
		}
		fmt.Fprintf(&pieces, "    {.codes = (const uint8_t *)net_%s, .bits = %d, .row = %d, .words = %d, .first = %d, .factor = %d, .set = %d},\n",
			name, r.bits, bytes, r.words, r.first, r.factor, r.set)
	}
	fmt.Fprintf(&t.text, "static const net_piece net_%s_pieces[%d] = {\n%s};\n", s.name, len(s.rows), pieces.String())
	e := t.end(s)
	zeros := ""
	if s.channelwise() {
		var bytes []byte
		for c := range s.in.Channels {
			bytes = append(bytes, byte(s.in.Zero(c)))
		}
		array(t, "uint8_t", s.name+"_zeros", bytes, 1)
		zeros = fmt.Sprintf(" .zeros = net_%s_zeros,", s.name)
	}
	fmt.Fprintf(&t.text, `static const net_layer net_%s = {
    .window = %s,
    .groups = %d, .sets = %d, .signs = %d, .zero = %d,%s .column = %d, .columns = %d, .direct = %d, .narrow = %d, .counted = %d, .offset = %d,
    .simple = %d, .pieces = %d, .piece = net_%s_pieces,
    .end = %s};
`, s.name, window(s), s.o.Groups, s.sets, s.signs, s.in.ZeroPoint, zeros, s.column, s.columns, flag(s.direct), flag(s.narrow), flag(s.counted), s.offset,
		flag(s.simple()), len(s.rows), s.name, e)
}

// tables returns the number of tables of a function: one, or one for each channel.
func (s *step) tables() int { return len(s.o.Table) / (int(s.in.Max()) + 1) }

// channelwise says whether padding is another code in each channel.
func (s *step) channelwise() bool {
	return s.o.Weighted() && s.in.ZeroPoints != nil && s.o.Pad != [4]int{}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// end writes the tables of an end and returns the initializer.
func (t *tables) end(s *step) string {
	e := s.end
	var terms strings.Builder
	for i, m := range e.multipliers {
		name := fmt.Sprintf("%s_multipliers%d", s.name, i)
		if fits(m) {
			array(t, "int32_t", name, m, 4)
			fmt.Fprintf(&terms, "{.narrow = net_%s}, ", name)
		} else {
			array(t, "int64_t", name, m, 8)
			fmt.Fprintf(&terms, "{.wide = net_%s}, ", name)
		}
	}
	fmt.Fprintf(&t.text, "static const net_multipliers net_%s_terms[%d] = {%s};\n", s.name, len(e.multipliers), strings.TrimSuffix(terms.String(), ", "))
	array(t, "int64_t", s.name+"_constant", e.constant, 8)
	text := fmt.Sprintf("{\n        .kind = NET_%s, .own = %d, .terms = %d, .channels = %d, .multipliers = net_%s_terms, .constant = net_%s_constant",
		e.kind, e.own, len(e.multipliers), len(e.constant), s.name, s.name)
	if e.shift != nil {
		array(t, "uint8_t", s.name+"_shift", e.shift, 1)
		text += fmt.Sprintf(",\n        .shift = net_%s_shift, .zero = %d, .low = %d, .high = %d", s.name, e.zero, e.low, e.high)
	}
	if e.thresholds != nil {
		var all []int64
		for _, plane := range e.thresholds {
			all = append(all, plane...)
		}
		array(t, "int64_t", s.name+"_thresholds", all, 8)
		text += fmt.Sprintf(",\n        .threshold = net_%s_thresholds, .signs = %d", s.name, len(e.thresholds))
	}
	return text + "}"
}

// array writes a table.
func array[T uint8 | uint32 | int32 | int64](t *tables, kind, name string, values []T, size int) {
	fmt.Fprintf(&t.text, "static const %s net_%s[%d] = {\n", kind, name, len(values))
	numbers(&t.text, "    ", values)
	t.text.WriteString("};\n")
	t.bytes += size * len(values)
}

// numbers writes lines of numbers.
func numbers[T uint8 | uint32 | int32 | int64](b *strings.Builder, indent string, values []T) {
	length := 0
	for _, v := range values {
		text := strconv.FormatInt(int64(v), 10)
		if int64(v) == math.MinInt64 {
			text = "-9223372036854775807 - 1" // the positive one is no number of C
		}
		if length+len(text)+1 > 110 {
			b.WriteString("\n")
			length = 0
		}
		if length == 0 {
			b.WriteString(indent)
		}
		b.WriteString(text)
		b.WriteString(",")
		length += len(text) + 1
	}
	b.WriteString("\n")
}
