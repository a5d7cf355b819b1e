// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/ptq"
)

// sensitivityFlags are the flags of `qat sensitivity`.
type sensitivityFlags struct {
	quantize quantizeFlags
	bits     []int
	measure  int
	out      string
	json     bool
}

func sensitivityCommand() *cobra.Command {
	var f sensitivityFlags
	c := &cobra.Command{
		Use:   "sensitivity CHECKPOINT",
		Short: "Measure what quantizing each layer alone costs",
		Long: `Quantize one layer of a float checkpoint at a time, its weights, its input and both,
at several widths, and measure what the network loses on validation images: accuracy,
loss, and the signal-to-noise ratio of the logits. Layers with little signal are those
to give more bits.

With -o each measurement is written as it is made, and those that the file already has
are not made again: an interrupted run goes on where it was.`,
		Example: `  qat sensitivity runs/lenet-pact-w4a4/checkpoint-float.safetensors
  qat sensitivity float.safetensors --bits 8,4,2 -o sensitivity.jsonl`,
		Args: arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := f.run(c, args[0])
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(c.OutOrStdout(), list)
			}
			return printSensitivity(c.OutOrStdout(), list)
		},
	}
	f.quantize.add(c)
	for _, name := range []string{"weight-bits", "activation-bits", "first-last"} {
		_ = c.Flags().MarkHidden(name)
	}
	c.Flags().IntSliceVar(&f.bits, "bits", []int{8, 4, 2}, "widths to measure, 2 to 8, divided by commas")
	c.Flags().IntVar(&f.measure, "measure", 500, "validation images to measure with, 0 for all")
	c.Flags().StringVarP(&f.out, "output", "o", "", "`file` of measurements to go on with")
	addJSON(c, &f.json)
	return c
}

func (f *sensitivityFlags) run(c *cobra.Command, path string) ([]ptq.Sensitivity, error) {
	for _, b := range f.bits {
		if b < 2 || b > 8 {
			return nil, usagef(c, "--bits %d: want 2 to 8", b)
		}
	}
	if f.measure < 0 {
		return nil, usagef(c, "--measure %d: want 1 or more images, or 0 for all", f.measure)
	}
	record, err := openMeasurements(f.out, path, &f.quantize, f.measure)
	if err != nil {
		return nil, err
	}
	defer record.close()
	var list []ptq.Sensitivity
	for _, b := range f.bits {
		measured, err := f.width(c, path, b, record)
		if err != nil {
			return nil, err
		}
		list = append(list, measured...)
	}
	return list, nil
}

// width measures every layer at one width.
func (f *sensitivityFlags) width(c *cobra.Command, path string, bits int, record *measurements) ([]ptq.Sensitivity, error) {
	f.quantize.weightBits, f.quantize.activationBits, f.quantize.firstLast = bits, bits, "same"
	q, err := f.quantize.open(c, path)
	if err != nil {
		return nil, err
	}
	defer q.close()
	images := q.images.Validation
	if f.measure > 0 {
		images = images.Head(f.measure)
	}
	n := q.restored.Network
	want, err := ptq.Logits(c.Context(), n, images, graph.Pass{})
	if err != nil {
		return nil, err
	}
	if _, _, err := q.quantize(c, nil); err != nil {
		return nil, err
	}
	list := ptq.Layers(n)
	bar := newBar(c, fmt.Sprintf("%d bits", bits), int64(len(list)))
	defer bar.Clear()
	for i, s := range list {
		if known, ok := record.find(s); ok {
			list[i] = known
		} else if list[i], err = ptq.Measure(c.Context(), n, images, s, want); err != nil {
			return nil, err
		} else if err := record.add(list[i]); err != nil {
			return nil, err
		}
		_ = bar.Set(i + 1)
	}
	return list, nil
}

// printSensitivity writes measurements for people, the layer that hurts most first.
func printSensitivity(w io.Writer, list []ptq.Sensitivity) error {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b ptq.Sensitivity) int { return cmp.Compare(a.SNRdB, b.SNRdB) })
	var rows [][]string
	for _, s := range list {
		rows = append(rows, []string{
			s.Layer, s.What, fmt.Sprint(s.Bits), percent(&s.Accuracy), fmt.Sprintf("%.4f", s.Loss),
			fmt.Sprintf("%.1f dB", s.SNRdB), strings.Repeat("▇", int(max(0, min(s.SNRdB, 60))/3)),
		})
	}
	return term.Table(w, []string{"layer", "what", "bits", "accuracy", "loss", "signal", ""}, rows)
}
