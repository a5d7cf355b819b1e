// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/goqat/goqat/ptq"
)

// worst names the layer whose weights or input alone cost most.
func (e *examination) worst() []Finding {
	for _, l := range e.report.Layers {
		if l.What == ptq.OfBoth {
			continue
		}
		lost := e.report.Accuracy.Float - l.Accuracy
		return []Finding{{
			Cause: FewBits, Where: l.Layer,
			Says:     fmt.Sprintf("%s of layer %s in %d bits cost most: alone they take %.1f points of accuracy and leave the logits a signal of %.1f dB; give the layer more bits", l.What, l.Layer, l.Bits, 100*lost, l.SNRdB),
			Evidence: map[string]float64{"bits": float64(l.Bits), "lost": lost, "snr_db": l.SNRdB},
			Do:       e.Widen(l),
		}}
	}
	return nil
}
