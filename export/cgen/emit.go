// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"github.com/goqat/goqat/qmodel"
)

//go:embed net.c.tmpl
var sourceText string

//go:embed net.h.tmpl
var headerText string

// own are the identifiers of the templates and tables, which get the prefix of the file; those in global are the same
// for every file.
var (
	own    = regexp.MustCompile(`\b(net|NET)_\w*`)
	global = map[string]bool{"NET_DSP": true, "NET_TEST": true}
)

// A page is what the templates have: the network, and which functions it uses.
type page struct {
	Name, Model, Method     string
	Upper                   string // prefix of macros
	Height, Width, Channels int
	InputBytes, Classes     int
	ArenaBytes              int
	ConstantBytes           int
	OperatorCount           int
	MACs                    int64
	ClassNames              []string

	Pair, Single, Narrow                        []fields // by bits of the codes
	Conv, Linear, Counted                       bool
	Depthwise, MaxPool, AvgPool, Combine, Table bool
	PaddedAvgPool, Product, Choice, Upsampling  bool
	ChannelTables                               bool
	Added, Planes, DepthwisePlanes, ColumnSums  bool
	Channelwise                                 bool
	Place, PairCodes                            bool // of a layer with several pixels
	NarrowMultipliers, WideMultipliers          bool
	Kinds                                       kinds
	OwnTerms, SignsOfCode, Taps                 int
	Four                                        []int
	UsesArena                                   bool
	Calls                                       []string
	Constants, Answer                           string
	Answers                                     int
}

type kinds struct{ Codes, SumCodes, WideCodes, Logits, Signs, Sums bool }

func (k *kinds) add(kind string) {
	switch kind {
	case endCodes:
		k.Codes = true
	case endSumCodes:
		k.SumCodes = true
	case endWideCodes:
		k.WideCodes = true
	case endLogits:
		k.Logits = true
	case endSigns:
		k.Signs = true
	default:
		k.Sums = true
	}
}

// emit writes the files.
func (p *program) emit(name string, answer [][]int32) (*Source, error) {
	m := p.m
	in := &m.Tensors[0]
	g := &page{
		Name: name, Upper: strings.ToUpper(Prefix(name)), Model: comment(m.Name), Method: comment(m.Method), Height: in.Height, Width: in.Width, Channels: in.Channels,
		InputBytes: in.Len(), Classes: len(m.Classes), ArenaBytes: p.arena, OperatorCount: len(m.Operators), Four: []int{0, 1, 2, 3},
		Answers: len(answer),
	}
	for i := range m.Operators {
		g.MACs += m.MACs(i)
	}
	for _, c := range m.Classes {
		g.ClassNames = append(g.ClassNames, comment(c))
	}
	g.uses(p.steps)
	t := &tables{}
	for _, s := range p.steps {
		t.step(s)
		g.Calls = append(g.Calls, p.call(s)...)
	}
	for _, call := range g.Calls {
		g.UsesArena = g.UsesArena || strings.Contains(call, "at + ")
	}
	for i := range g.Calls {
		g.Calls[i] = g.rename(g.Calls[i])
	}
	g.Constants, g.ConstantBytes = g.rename(t.text.String()), t.bytes
	var rows strings.Builder
	for _, logits := range answer {
		rows.WriteString("    {\n")
		numbers(&rows, "        ", logits)
		rows.WriteString("    },\n")
	}
	g.Answer = rows.String()
	source := &Source{ArenaBytes: p.arena, ConstantBytes: t.bytes}
	var err error
	if source.C, err = g.fill(sourceText); err != nil {
		return nil, err
	}
	source.Header, err = g.fill(headerText)
	return source, err
}

// fill executes a template.
func (g *page) fill(text string) ([]byte, error) {
	t, err := template.New("C").Parse(g.rename(text))
	if err != nil {
		return nil, fmt.Errorf("cgen: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, g); err != nil {
		return nil, fmt.Errorf("cgen: %w", err)
	}
	return b.Bytes(), nil
}

// rename replaces the prefix of the templates by the file's.
func (g *page) rename(text string) string {
	prefix := Prefix(g.Name)
	return own.ReplaceAllStringFunc(text, func(s string) string {
		switch {
		case global[s]:
			return s
		case s[0] == 'N':
			return strings.ToUpper(prefix) + s[len("NET"):]
		default:
			return prefix + s[len("net"):]
		}
	})
}

// uses finds the functions that steps need.
func (g *page) uses(steps []*step) {
	used := map[form]map[int]bool{formConv: {}, formLinear: {}, formDepthwise: {}}
	narrow := map[int]bool{}
	for _, s := range steps {
		g.MaxPool = g.MaxPool || s.form == formMaximum
		g.AvgPool = g.AvgPool || s.form == formAverage
		g.Combine = g.Combine || s.form == formCombine
		g.Place = g.Place || s.form == formConcat
		g.Table = g.Table || s.form == formTable && s.tables() == 1
		g.ChannelTables = g.ChannelTables || s.form == formTable && s.tables() > 1
		g.PaddedAvgPool = g.PaddedAvgPool || s.form == formPaddedAverage
		g.Product = g.Product || s.form == formProduct
		g.Choice = g.Choice || s.form == formChoice
		g.Upsampling = g.Upsampling || s.form == formUpsampling
		g.Conv, g.Linear, g.Counted = g.Conv || s.form == formConv, g.Linear || s.form == formLinear, g.Counted || s.counted
		for _, r := range s.rows {
			if !s.counted {
				used[s.form][r.bits] = true
			}
			if s.narrow {
				narrow[r.bits] = true
			}
		}
		if s.end != nil {
			g.usesEnd(s.end)
		}
		if s.rows == nil {
			continue
		}
		depthwise := s.form == formDepthwise
		g.OwnTerms, g.SignsOfCode = max(g.OwnTerms, s.end.own), max(g.SignsOfCode, s.signs)
		g.PairCodes = g.PairCodes || s.form == formConv && s.end.kind == endCodes
		g.Channelwise = g.Channelwise || s.channelwise()
		g.Planes = g.Planes || s.signs > 1 && !depthwise
		g.DepthwisePlanes = g.DepthwisePlanes || s.signs > 1 && depthwise
		g.ColumnSums = g.ColumnSums || s.offset != 0 && !depthwise && !s.counted
		if depthwise {
			g.Depthwise = true
			g.Taps = max(g.Taps, s.o.Kernel[0]*s.o.Kernel[1])
		}
	}
	for _, bits := range []int{8, 4, 2, 1} {
		if used[formConv][bits] {
			g.Pair = append(g.Pair, fields{bits})
		}
		if used[formLinear][bits] {
			g.Single = append(g.Single, fields{bits})
		}
		if narrow[bits] {
			g.Narrow = append(g.Narrow, fields{bits})
		}
	}
}

func (g *page) usesEnd(e *end) {
	g.Kinds.add(e.kind)
	g.Added = g.Added || len(e.multipliers) > e.own
	for _, m := range e.multipliers {
		if fits(m) {
			g.NarrowMultipliers = true
		} else {
			g.WideMultipliers = true
		}
	}
}

// fields writes how codes of so many bits are taken out of words.
type fields struct{ Bits int }

// PerWord returns the codes of a word.
func (f fields) PerWord() int { return perWord(f.Bits) }

// Down undoes that the fields of Fields are at the top of their byte.
func (f fields) Down() string {
	if f.Bits == 8 {
		return ""
	}
	return " >> " + strconv.Itoa(8-f.Bits)
}

// A field is number J of each byte of a word.
type field struct {
	bits int
	J    int
}

// Fields returns the fields of a byte.
func (f fields) Fields() []field {
	all := make([]field, 8/f.Bits)
	for j := range all {
		all[j] = field{f.Bits, j}
	}
	return all
}

// Of returns the field of each byte of a word, at the top of the byte.
func (f field) Of(word string) string {
	if f.bits == 8 {
		return word
	}
	mask := uint32(0xff<<(8-f.bits)&0xff) * 0x01010101
	if up := 8 - f.bits - f.bits*f.J; up > 0 {
		return fmt.Sprintf("%s << %d & 0x%xu", word, up, mask)
	}
	return fmt.Sprintf("%s & 0x%xu", word, mask)
}

// Plus returns the offset of the codes that belong to the field.
func (f field) Plus() string {
	if f.J == 0 {
		return ""
	}
	return fmt.Sprintf(" + %d", 4*f.J)
}

// A tap is one code of a word.
type tap struct {
	bits int
	At   int
}

// Taps returns the codes of a word, byte by byte.
func (f fields) Taps() []tap {
	var all []tap
	for i := range 4 {
		for j := range 8 / f.Bits {
			all = append(all, tap{f.Bits, 4*j + i})
		}
	}
	return all
}

// Code returns the code in the word at row, as a number.
func (t tap) Code(row string) string { return t.code(row, 0) }

// Code2 returns the code in the next word.
func (t tap) Code2(row string) string { return t.code(row, 4) }

func (t tap) code(row string, offset int) string {
	b := fmt.Sprintf("%s[%d]", row, offset+t.At%4)
	if t.bits == 8 {
		return "(int8_t)" + b
	}
	return fmt.Sprintf("((int32_t)((uint32_t)%s << %d) >> %d)", b, 32-t.bits-t.bits*(t.At/4), 32-t.bits)
}

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

// call returns the lines of net_run for a step.
func (p *program) call(s *step) []string {
	o := s.o
	in, out := p.codes(o.Inputs[0]), p.output(o.Output)
	if s.form == formConcat {
		return p.places(s)
	}
	var others []int
	if s.end != nil {
		others = o.Terms()
	}
	added := "0"
	var lines []string
	if len(others) > 0 {
		added = "added"
		var list []string
		for _, t := range others {
			if x := &p.m.Tensors[t]; x.Kind == qmodel.Codes {
				list = append(list, fmt.Sprintf("{%s, 0, %d}", p.codes(t), x.ZeroPoint))
			} else {
				list = append(list, fmt.Sprintf("{0, (const int32_t *)(const void *)(%s), 0}", p.codes(t)))
			}
		}
		lines = append(lines, "{", fmt.Sprintf("    const net_added added[%d] = {%s};", len(list), strings.Join(list, ", ")))
	}
	scratch := "0"
	if s.scratch > 0 {
		scratch = fmt.Sprintf("at + %d", s.scratchAt)
	}
	var call string
	switch s.form {
	case formConv:
		call = fmt.Sprintf("net_conv(&net_%s, %s, %s, %s, %s);", s.name, in, scratch, out, added)
	case formLinear:
		call = fmt.Sprintf("net_linear(&net_%s, %s, %s, %s, %s);", s.name, in, scratch, out, added)
	case formDepthwise:
		call = fmt.Sprintf("net_depthwise(&net_%s, %s, %s, %s, %s);", s.name, in, scratch, out, added)
	case formMaximum:
		call = fmt.Sprintf("net_maximum(&net_%s, %s, %s);", s.name, in, out)
	case formAverage:
		call = fmt.Sprintf("net_average(&net_%s, &net_%s_end, %s, %s);", s.name, s.name, in, out)
	case formCombine:
		call = fmt.Sprintf("net_combine(&net_%s, %d, %s, %s);", s.name, s.out.Height*s.out.Width, out, added)
	case formPaddedAverage:
		call = fmt.Sprintf("net_padded_average(&net_%s, &net_%s_end, net_%s_shares, %d, %s, %s);", s.name, s.name, s.name, s.in.ZeroPoint, in, out)
	case formProduct:
		y := &p.m.Tensors[o.Inputs[1]]
		call = fmt.Sprintf("net_multiply(&net_%s, %d, %s, %d, %s, %d, %d, %s);", s.name, s.out.Height*s.out.Width, in, s.in.ZeroPoint,
			p.codes(o.Inputs[1]), y.ZeroPoint, flag(y.Len() == y.Channels), out)
	case formChoice:
		call = fmt.Sprintf("net_choose(%s, %d, %d, %d, %d, %d, %s);", in, s.out.Height*s.out.Width, s.in.Channels, o.First, s.out.Channels, o.Shuffle, out)
	case formUpsampling:
		call = fmt.Sprintf("net_enlarge(%s, %d, %d, %d, %d, %d, %s);", in, s.in.Height, s.in.Width, s.in.Channels, o.Factor[0], o.Factor[1], out)
	case formTable:
		call = fmt.Sprintf("net_look_up(net_%s, %d, %s, %s);", s.name, s.out.Len(), in, out)
		if s.tables() > 1 {
			call = fmt.Sprintf("net_look_up_channels(net_%s, %d, %d, %d, %s, %s);", s.name, int(s.in.Max())+1, s.out.Channels, s.out.Len(), in, out)
		}
	default:
		return nil
	}
	if lines != nil {
		return append(lines, "    "+call, "}")
	}
	return []string{call}
}

// places returns the lines of net_run for a concatenation, one for each input.
func (p *program) places(s *step) []string {
	var lines []string
	channel := 0
	for k, t := range s.o.Inputs {
		table := "0"
		if s.o.Tables[k] != nil {
			table = fmt.Sprintf("net_%s_table%d", s.name, k)
		}
		in := &p.m.Tensors[t]
		lines = append(lines, fmt.Sprintf("net_place(%s, %s, %d, %d, %s + %d, %d);", table, p.codes(t), in.Channels, in.Height*in.Width,
			p.output(s.o.Output), channel, s.out.Channels))
		channel += in.Channels
	}
	return lines
}

// codes returns where a tensor is that is read.
func (p *program) codes(t int) string {
	if p.at[t] == imageAt {
		return "image"
	}
	return fmt.Sprintf("at + %d", p.at[t])
}

// output returns where a tensor is that is written.
func (p *program) output(t int) string {
	if p.at[t] == logitsAt {
		return "logits"
	}
	return fmt.Sprintf("at + %d", p.at[t])
}
