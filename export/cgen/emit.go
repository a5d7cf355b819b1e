// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"
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
