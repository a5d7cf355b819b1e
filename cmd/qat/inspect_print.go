// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
)

// printDescription writes what is in a file for people.
func printDescription(p *term.Page, d *describe.Description) {
	kind := fmt.Sprintf("%s, version %d", d.Kind, d.Version)
	if d.Phase != "" {
		kind += fmt.Sprintf(", %s phase, epoch %d", d.Phase, d.Epoch)
	}
	memory := "file " + term.Bytes(d.FileBytes)
	if d.ArenaBytes > 0 {
		memory += ", activations " + term.Bytes(int64(d.ArenaBytes))
	}
	p.Printf("%s\nnetwork %s, method %s, input %s\n%s: %s\n%s\nenergy %.3f µJ an image by estimate, in float32 %.3f µJ\n",
		kind, d.Model, d.Method, describe.Dimensions(d.Input[:]), plural.Of(len(d.Classes), "class"), numbered(d.Classes), memory, d.EnergyUJ, d.Float32UJ)
	if words := d.Accumulators(); words != "" {
		p.Printf("%s\n", words)
	}
	for _, k := range d.Kernels() {
		p.Printf("layers run by %s: %d\n", k.Kernel, k.Layers)
	}
	var rows [][]string
	var bytes int64
	for _, l := range d.Layers {
		bytes += int64(l.Bytes)
		rows = append(rows, []string{
			l.Name, strings.TrimSuffix(l.Operator, "_conv2d"), strings.TrimSuffix(l.Bits()+" "+l.Packing, " "), describe.Dimensions(l.Shape), describe.Dimensions(l.Output[:]),
			number(l.MACs), number(int64(l.Bytes)), number(int64(l.AccumulatorBits)),
		})
	}
	rows = append(rows, []string{"all", "", "", "", "", number(d.MACs), number(bytes), ""})
	p.Table([]string{"layer", "operator", "bits", "weights", "output", "MACs", "bytes", "acc"}, rows)
}

// number writes a number, "-" for 0.
func number(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// numbered lists classes with their indices.
func numbered(classes []string) string {
	list := make([]string, len(classes))
	for i, name := range classes {
		list[i] = fmt.Sprintf("%d %s", i, name)
	}
	return strings.Join(list, ", ")
}
