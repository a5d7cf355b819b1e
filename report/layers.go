// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"html/template"
	"strings"

	"github.com/goqat/goqat/describe"
)

// layerTable says of each layer what it is and what it costs.
type layerTable struct {
	Rows  []layerRow
	All   layerRow // the sums
	Timed string   // how the times were measured, or why they were not
	Float bool     // the network has no integers
}

type layerRow struct {
	Name, Operator, Bits, Weights, Output string
	MACs, Bytes, Accumulator, Energy      string
	Time                                  string
	Share                                 template.CSS // of the time
}

// layers returns the table of layers, nil where nothing says which they are.
func (s *Subject) layers(ctx context.Context, d *describe.Description) (*layerTable, error) {
	if d == nil {
		return nil, nil
	}
	t := &layerTable{Float: s.Model == nil, Timed: "Time is of one image on one thread by the integer runtime, operator by operator, the median of runs for 0.3 s on the machine that made this page."}
	times, err := s.times(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		t.Timed = fmt.Sprintf("Times were not measured: %v.", err)
	}
	if s.Model == nil {
		t.Timed = "There is no integer model, so no times were measured."
	}
	total, bytes := 0.0, 0
	for _, ms := range times {
		total += ms
	}
	for i, l := range d.Layers {
		bytes += l.Bytes
		row := layerRow{
			Name: short(l.Name), Operator: strings.TrimSuffix(l.Operator, "_conv2d"), Bits: bits(l), Weights: dimensions(l.Shape), Output: dimensions(l.Output[:]),
			MACs: count(l.MACs), Bytes: count(int64(l.Bytes)), Accumulator: count(int64(l.AccumulatorBits)), Energy: microjoules(l.EnergyUJ), Time: "-",
		}
		if times != nil {
			row.Time, row.Share = microseconds(times[i]), share(times[i]/total)
		}
		t.Rows = append(t.Rows, row)
	}
	t.All = layerRow{Name: "all", MACs: count(d.MACs), Bytes: count(int64(bytes)), Energy: microjoules(d.EnergyUJ), Time: "-"}
	if times != nil {
		t.All.Time = microseconds(total)
	}
	return t, nil
}

// bits writes those of weights and activations, as w4a8.
func bits(l describe.Layer) string {
	if l.WeightBits == 0 {
		return fmt.Sprintf("a%d", l.ActivationBits)
	}
	return fmt.Sprintf("w%da%d", l.WeightBits, l.ActivationBits)
}

// count writes a number with spaces between thousands, - for none.
func count(n int64) string {
	if n == 0 {
		return "-"
	}
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "\u202f" + digits[at:]
	}
	return digits
}

func microjoules(uj float64) string { return fmt.Sprintf("%.3g", uj) }

func microseconds(ms float64) string { return fmt.Sprintf("%.1f", 1000*ms) }
