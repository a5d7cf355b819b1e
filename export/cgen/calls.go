// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/qmodel"
)

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
