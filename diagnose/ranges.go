// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

const (
	// clippedShare is the share of a tensor's values other than 0 that may have the
	// greatest code.
	clippedShare = 0.5
	// wideRatio is how many times the greatest value a range may reach.
	wideRatio = 4
	// tinyScale is the least scale of a tensor that still is one, and tinyPart that of
	// a channel's weights, as a part of the greatest of the layer.
	tinyScale, tinyPart = 1e-9, 1e-6
)

// ranges looks in the quantized network for clips that most values reach, or none, and
// for scales next to 0.
func (e *examination) ranges() (found []Finding, err error) {
	of := map[string]*layers.Unit{}
	for _, u := range e.Network.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok && q.Bits() > 1 {
			of[u.Output.Name] = u
		}
	}
	seen := map[string]*reach{}
	for name, u := range of {
		seen[name] = newReach(u)
	}
	if err := e.forward(quantized, func(s graph.Site) {
		if r := seen[s.Name]; r != nil {
			r.see(s.Y)
		}
	}); err != nil {
		return nil, err
	}
	if err := e.forward(graph.Pass{}, func(s graph.Site) { // in a range that is too wide everything is 0
		if r := seen[s.Name]; r != nil {
			r.most = max(r.most, float64(slices.Max(s.Y)), -float64(slices.Min(s.Y)))
		}
	}); err != nil {
		return nil, err
	}
	for _, u := range e.Network.Units {
		if r := seen[u.Output.Name]; r != nil {
			found = append(found, e.reached(u, r)...)
		}
		found = append(found, e.tiny(u)...)
	}
	return found, nil
}

// reach is how far the values of a tensor go in its range.
type reach struct {
	lo, hi       float64 // of the range
	values, ends int     // other than 0; of those at the ends of the range
	most         float64 // the greatest magnitude
}

func newReach(u *layers.Unit) *reach {
	q := u.Output.Quantizer.Quantization()
	s := float64(q.Scale)
	return &reach{lo: s * float64(q.Lo-q.ZeroPoint), hi: s * float64(q.Hi-q.ZeroPoint)}
}

func (r *reach) see(y []float32) {
	const near = 1 - 1e-6
	for _, v := range y {
		f := float64(v)
		if f == 0 {
			continue
		}
		r.values++
		if f >= near*r.hi && r.hi > 0 || f <= near*r.lo && r.lo < 0 {
			r.ends++
		}
		r.most = max(r.most, math.Abs(f))
	}
}

func (e *examination) reached(u *layers.Unit, r *reach) []Finding {
	end := max(-r.lo, r.hi)
	share := float64(r.ends) / float64(max(1, r.values))
	evidence := map[string]float64{"clip": end, "clipped": share, "greatest": r.most}
	switch {
	case r.values > 0 && share > clippedShare:
		return []Finding{{
			Cause: NarrowClip, Where: u.Output.Name, Evidence: evidence,
			Says: fmt.Sprintf("%.0f %% of the values of %s that are not 0 are clipped at %.4g: the range is far too narrow; set it anew", 100*share, u.Output.Name, end),
			Do:   e.train(true),
		}}
	case r.most > 0 && end > wideRatio*r.most:
		return []Finding{{
			Cause: WideClip, Where: u.Output.Name, Evidence: evidence,
			Says: fmt.Sprintf("the range of %s reaches to %.4g, its values only to %.4g: most codes are not used, and the clip gets no gradient; set it anew", u.Output.Name, end, r.most),
			Do:   e.train(true),
		}}
	}
	return nil
}

// tiny looks for scales next to 0, of which nothing but rounding is left: that of a
// tensor, or of a channel beside the others of its layer.
func (e *examination) tiny(u *layers.Unit) (found []Finding) {
	report := func(name string, scale, least float64) {
		if scale < least {
			found = append(found, Finding{
				Cause: TinyScale, Where: name,
				Says:     fmt.Sprintf("a scale of %s is %.3g, where %.3g would be small: little but rounding is left of what it scales; train again with less weight decay", name, scale, least),
				Evidence: map[string]float64{"scale": scale, "small": least},
				Do:       e.train(false, "float.decay=0.0001", "qat.decay=0"),
			})
		}
	}
	if q := u.Output.Quantizer; q != nil {
		report(u.Output.Name, float64(q.Quantization().Scale), tinyScale)
	}
	if q := u.Quantizer; q != nil && q.Coding() == quant.Narrow {
		scales := q.Integers(make([]int16, len(u.Weight.Value)), u.Weight.Value)
		report(u.Weight.Name, float64(slices.Min(scales)), tinyPart*float64(slices.Max(scales)))
	}
	return found
}
