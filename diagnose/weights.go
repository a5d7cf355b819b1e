// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/layers"
)

// hugeRatio is how many times the greatest of the other weights a weight may be: those
// but a thousandth, at least one.
const hugeRatio = 8

// notFinite finds layers whose weights are no numbers.
func (e *examination) notFinite() (found []Finding) {
	for _, p := range e.Network.Graph.Params() {
		if i := slices.IndexFunc(p.Value, func(v float32) bool { return v-v != 0 }); i >= 0 {
			found = append(found, Finding{
				Cause: NotFinite, Where: p.Name,
				Says:     fmt.Sprintf("value %d of %s is %v: the training diverged; train with a lower learning rate", i, p.Name, p.Value[i]),
				Evidence: map[string]float64{"index": float64(i)},
				Do:       e.train(false, "float.lr=0.01", "float.clip_norm=1", "qat.lr=0.001"),
			})
		}
	}
	return found
}

// weights looks for weights far beyond all others: the scale of their channel, or of the
// layer, leaves the others few codes.
func (e *examination) weights() (found []Finding, err error) {
	for _, u := range e.Network.Units {
		if u.Kind.Weighted() {
			found = append(found, e.huge(u)...)
		}
	}
	return found, nil
}

func (e *examination) huge(u *layers.Unit) []Finding {
	sizes := make([]float64, len(u.Weight.Value))
	for i, v := range u.Weight.Value {
		sizes[i] = math.Abs(float64(v))
	}
	slices.Sort(sizes)
	last := len(sizes) - 1
	others := sizes[max(0, last-1-len(sizes)/1000)]
	if others == 0 || sizes[last] < hugeRatio*others {
		return nil
	}
	return []Finding{{
		Cause: HugeWeight, Where: u.Name,
		Says:     fmt.Sprintf("the greatest weight of layer %s is %.4g, and nearly all others are below %.4g: its scale leaves them few codes; train on with weight decay", u.Name, sizes[last], others),
		Evidence: map[string]float64{"greatest": sizes[last], "others": others},
		Do:       e.train(true, "qat.decay=0.01", "qat.clip_norm=1"),
	}}
}
