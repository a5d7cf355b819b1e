// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/term"
)

// printDescription writes what is in a file for people.
func printDescription(w io.Writer, d *describe.Description) error {
	kind := fmt.Sprintf("%s, version %d", d.Kind, d.Version)
	if d.Phase != "" {
		kind += fmt.Sprintf(", %s phase, epoch %d", d.Phase, d.Epoch)
	}
	memory := "file " + byteSize(d.FileBytes)
	if d.ArenaBytes > 0 {
		memory += ", activations " + byteSize(int64(d.ArenaBytes))
	}
	err := printf(w, "%s\nnetwork %s, method %s, input %s\n%d classes: %s\n%s\nenergy %.3f µJ an image by estimate, in float32 %.3f µJ\n%s%s\n",
		kind, d.Model, d.Method, dimensions(d.Input[:]), len(d.Classes), numbered(d.Classes), memory, d.EnergyUJ, d.Float32UJ,
		lines(accumulators(d)), lines(kernels(d)))
	if err != nil {
		return err
	}
	number := func(n int64) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	var rows [][]string
	var bytes int64
	for _, l := range d.Layers {
		bytes += int64(l.Bytes)
		rows = append(rows, []string{
			l.Name, strings.TrimSuffix(l.Operator, "_conv2d"), layerBits(l), dimensions(l.Shape), dimensions(l.Output[:]),
			number(l.MACs), number(int64(l.Bytes)), number(int64(l.AccumulatorBits)),
		})
	}
	rows = append(rows, []string{"all", "", "", "", "", number(d.MACs), number(bytes), ""})
	return term.Table(w, []string{"layer", "operator", "bits", "weights", "output", "MACs", "bytes", "acc"}, rows)
}

// layerBits writes the bits of a layer as w4a8, as a8 without weights.
func layerBits(l describe.Layer) string {
	if l.WeightBits == 0 {
		return fmt.Sprintf("a%d", l.ActivationBits)
	}
	return fmt.Sprintf("w%da%d", l.WeightBits, l.ActivationBits)
}

// kernels says how many layers with weights each kernel runs, a line each.
func kernels(d *describe.Description) string {
	var names []string
	layers := map[string]int{}
	for _, l := range d.Layers {
		if l.WeightBits == 0 || l.Kernel == "" {
			continue
		}
		if layers[l.Kernel] == 0 {
			names = append(names, l.Kernel)
		}
		layers[l.Kernel]++
	}
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "layers run by %s: %d\n", term.Plain(name), layers[name])
	}
	return b.String()
}

// accumulators says how wide the accumulators are, in words.
func accumulators(d *describe.Description) string {
	all, narrow, widest := 0, 0, 0
	for _, l := range d.Layers {
		if l.AccumulatorBits > 0 {
			all++
			widest = max(widest, l.AccumulatorBits)
		}
		if l.AccumulatorBits > 0 && l.AccumulatorBits <= 16 {
			narrow++
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("accumulators of %d of %d layers fit 16 bits, the widest has %d\n", narrow, all, widest)
}

// dimensions writes a shape as 28x28x1, "-" for none.
func dimensions(shape []int) string {
	if len(shape) == 0 {
		return "-"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
}

// numbered lists classes with their indices.
func numbered(classes []string) string {
	list := make([]string, len(classes))
	for i, name := range classes {
		list[i] = fmt.Sprintf("%d %s", i, name)
	}
	return strings.Join(list, ", ")
}
