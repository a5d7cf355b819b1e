// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/goqat/goqat/export"
)

// fullBits are the bits of a sum from which on it is near the ends of 32.
const fullBits = 31

// sums looks at the accumulators of the integers that the network exports to.
func (e *examination) sums() (found []Finding, err error) {
	if export.Check(e.Network) != nil { // there are none
		return nil, nil
	}
	p, err := export.Derive(e.Network)
	if err == nil {
		m, lowered := p.Lower(export.About{})
		if err = lowered; err == nil {
			for i, o := range m.Operators {
				if b := m.AccumulatorBits(i); b >= fullBits {
					found = append(found, Finding{
						Cause: Overflow, Where: o.Name,
						Says:     fmt.Sprintf("the sums of layer %s can take %d bits, and there are 32: with fewer bits of weights or activations they take less", o.Name, b),
						Evidence: map[string]float64{"bits": float64(b)},
						Do:       e.train(true, fmt.Sprintf("qat.layers=[{match: %s, weight_bits: 4}]", o.Name)),
					})
				}
			}
			return found, nil
		}
	}
	return []Finding{{
		Cause: Overflow, Says: fmt.Sprintf("the network does not export: %v", err), Evidence: map[string]float64{},
		Do: e.with("qat export", "-o", "model.qmodel"),
	}}, nil
}
