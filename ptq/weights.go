// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"cmp"
	"fmt"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// Weights gives the weights of every layer whose scales may be given (qat.Scaled)
// those that a rule finds, channel by channel or for all of a layer. It is an error if there is no such rule, or if it finds no
// scale for a layer, which is named.
func Weights(n *layers.Network, rule string, numbers calibrate.Options) error {
	r, err := calibrate.Lookup(rule)
	if err != nil {
		return err
	}
	for _, u := range n.Units {
		q, ok := u.Quantizer.(qat.Scaled)
		if !ok {
			continue
		}
		scales, found := q.Scales(), make([]error, len(q.Scales()))
		size := len(u.Weight.Value) / len(scales)
		err := n.Graph.Do(len(scales), func(c int) {
			k := r.New(numbers)
			k.Image(u.Weight.Value[c*size : (c+1)*size])
			var t calibrate.Range
			t, found[c] = k.Range(calibrate.Grid{Bits: q.Bits(), Symmetric: true})
			scales[c] = cmp.Or(float32(t.Hi/float64(quant.Weight(q.Bits()).Max())), 1)
		})
		if err := cmp.Or(append(found, err)...); err != nil {
			return fmt.Errorf("ptq: the weights of layer %s: %w", u.Name, err)
		}
	}
	return nil
}
