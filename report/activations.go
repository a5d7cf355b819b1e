// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/chart"
	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
)

// shownImages is how many images the activations are of, at most.
const shownImages = 64

// sample returns so many test images, evenly spread over all.
func sample(test datasets.Split, most int) datasets.Split {
	positions := make([]int, min(most, test.Len()))
	for i := range positions {
		positions[i] = i * test.Len() / len(positions)
	}
	return test.Subset(positions)
}

// evidence is pipeline.Evidence with what a report looks for in it.
type evidence pipeline.Evidence

// activations compares the tensors of the network with what their quantizers make of
// them, on some test images, in one pass: the quantizers of the tensors are off, and
// each tensor is quantized after it was seen. Signs are left out. looked is called after each.
func (e *evidence) activations(ctx context.Context, looked func()) (map[string]*distribution, int, error) {
	images := sample(e.Test, min(shownImages, e.Network.Graph.Batch()))
	if images.Len() == 0 || ctx.Err() != nil {
		return nil, 0, ctx.Err()
	}
	tensors, found := e.rounded(), map[string]*distribution{}
	pass := graph.Pass{Mode: graph.Eval, Quantize: e.Quantized, Float: func(name string) bool { return tensors[name] != nil }}
	var memory []float32
	pass.Tap = func(site graph.Site) {
		q := tensors[site.Name]
		if q == nil {
			return
		}
		defer looked()
		if !e.Quantized {
			found[site.Name] = distribute(site.Y, nil, 0)
			return
		}
		memory = slices.Grow(memory[:0], len(site.Y))
		after := memory[:len(site.Y)]
		q.Begin(&graph.Run{Pass: pass, Batch: images.Len()})
		q.Forward(after, site.Y)
		found[site.Name] = compare(site.Y, after, q.Quantization(), q.Bits())
		copy(site.Y, after)
		if s, ok := q.(graph.Stepped); ok {
			*site.Steps = s.Steps()
		}
	}
	pixels, err := images.Pixels()
	if err == nil {
		_, err = e.Network.Forward(pass, pixels, images.Labels)
	}
	return found, images.Len(), err
}

// rounded are the quantizers of the tensors by name, but those of signs.
func (e *evidence) rounded() map[string]qat.Activation {
	tensors := map[string]qat.Activation{}
	for _, u := range e.Network.Units {
		t := u.Output
		if _, signs := t.Signs(); t.Quantizer != nil && t.Shared == nil && !signs {
			tensors[t.Name] = t.Quantizer
		}
	}
	return tensors
}

// compare compares the values of a tensor before and after its quantizer.
func compare(before, after []float32, q qat.Quantization, bits int) *distribution {
	d := distribute(before, after, float64(q.Scale))
	lo, hi := float64(q.Scale)*float64(q.Lo-q.ZeroPoint), float64(q.Scale)*float64(q.Hi-q.ZeroPoint)
	d.clips = []float64{lo, hi}
	if lo == 0 {
		d.clips = d.clips[1:]
	}
	d.codes = fmt.Sprintf("%s, scale %.4g, zero point %d", plural.Of(bits, "bit"), q.Scale, q.ZeroPoint)
	return d
}

// modelRanges shows the integers of a model: its weights, and the codes of its tensors
// for some test images where there are any.
func (s *Subject) modelRanges() (*ranges, error) {
	s.begin(len(s.Model.Operators), len(s.Model.Operators))
	codes, images, err := s.codes()
	if err != nil {
		return nil, err
	}
	r := &ranges{Images: images}
	for i := range s.Model.Operators {
		s.step()
		o := &s.Model.Operators[i]
		row := rangeRow{Name: short(o.Name)}
		var charts []*chart.Chart
		if o.Weights != nil {
			d := integers(o.Weights.Codes())
			charts, row.Facts = append(charts, d.chart("Integer weights of "+o.Name)), append(row.Facts, fmt.Sprintf("weights: %s, %s are 0", plural.Of(o.Weights.Bits, "bit"), percent(d.before.zeros)))
		}
		if t := &s.Model.Tensors[o.Output]; codes[t.Name] != nil && !o.Aliases() {
			d := integers(codes[t.Name])
			charts = append(charts, d.chart("Codes of "+o.Name))
			row.Facts = append(row.Facts, fmt.Sprintf("activations: %s, scale %.4g, zero point %d", plural.Of(t.Bits, "bit"), math.Float32frombits(t.ScaleBits), t.ZeroPoint))
		}
		if err := r.add(row, charts); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// integers is the distribution of codes, a bin for each where they are few.
func integers[T int8 | uint8](codes []T) *distribution {
	values := make([]float32, len(codes))
	for i, c := range codes {
		values[i] = float32(c)
	}
	lo, hi := extremes(values)
	width := math.Ceil((hi - lo + 1) / bins)
	n := math.Ceil((hi - lo + 1) / width)
	return &distribution{before: densities(values, equal(lo-0.5, lo-0.5+n*width, int(n)))}
}

// codes are the codes of the model's tensors by name, for some test images.
func (s *Subject) codes() (map[string][]uint8, int, error) {
	if s.result() == nil {
		return nil, 0, nil
	}
	images := sample(s.Evidence.Test, shownImages)
	m, err := infer.New(s.Model)
	if err != nil {
		return nil, 0, err
	}
	codes := map[string][]uint8{}
	runner, err := m.NewRunner(infer.Options{Batch: images.Len(), Observe: func(o infer.Observation) {
		s.step()
		if o.Codes != nil && s.Model.Tensors[o.Tensor].Kind == qmodel.Codes {
			codes[o.Name] = append([]uint8(nil), o.Codes...)
		}
	}})
	if err != nil {
		return nil, 0, err
	}
	defer runner.Close()
	pixels, err := images.Pixels()
	if err == nil {
		err = runner.Run(make([]int32, images.Len()*len(s.Model.Classes)), pixels)
	}
	return codes, images.Len(), err
}
