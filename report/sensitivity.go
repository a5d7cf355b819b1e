// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/goqat/goqat/chart"
	"github.com/goqat/goqat/ptq"
)

// Sensitivity writes a picture of measurements, as SVG: the signal-to-noise ratio of
// the logits with each layer alone quantized, the layers from top to bottom in the
// order of the network.
func Sensitivity(w io.Writer, list []ptq.Sensitivity) error {
	var names []string
	var widths []int
	for _, s := range list {
		if !slices.Contains(names, s.Layer) {
			names = append(names, s.Layer)
		}
		if !slices.Contains(widths, s.Bits) {
			widths = append(widths, s.Bits)
		}
	}
	slices.Reverse(names) // values rise upwards
	c := &chart.Chart{
		Title: "Signal-to-noise ratio of the logits, dB, one layer quantized", X: chart.Axis{Label: "dB"},
		Width: 720, Height: 130 + 22*float64(len(names)),
	}
	inks := []chart.Ink{chart.Blue, chart.Orange, chart.Green, chart.Purple, chart.Red, chart.Muted, chart.Gray}
	shapes := map[string]chart.Shape{ptq.OfWeights: chart.Circle, ptq.OfActivations: chart.Triangle, ptq.OfBoth: chart.Square}
	for i, bits := range widths {
		for _, what := range []string{ptq.OfWeights, ptq.OfActivations, ptq.OfBoth} {
			m := chart.Points{Name: fmt.Sprintf("%d bits, %s", bits, what), Ink: inks[i%len(inks)], Shape: shapes[what]}
			for _, s := range list {
				if s.Bits == bits && s.What == what {
					m.Points = append(m.Points, chart.Point{X: s.SNRdB, Y: float64(slices.Index(names, s.Layer))})
				}
			}
			if len(m.Points) > 0 {
				c.Marks = append(c.Marks, m)
			}
		}
	}
	for _, name := range names {
		c.Y.Names = append(c.Y.Names, short(name))
	}
	return c.Write(w)
}
