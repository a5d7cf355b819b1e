// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/goqat/goqat/internal/shell"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/search"
)

// print writes the outcome for people.
func (f *searchFlags) print(p *term.Page, r *search.Result) {
	var rows [][]string
	for _, l := range r.Layers {
		rows = append(rows, []string{l.Name, fmt.Sprint(l.WeightBits), fmt.Sprint(l.ActivationBits), fmt.Sprint(l.Weights), fmt.Sprint(l.MACs)})
	}
	p.Table([]string{"layer", "weight bits", "activation bits", "weights", "MACs"}, rows)
	s := r.Spent
	p.Printf("\n%s=%.6g allows this: a file of at most %d bytes, %d bit-operations and %.4g µJ an image, %.3f bits a weight, %.3f bits an activation\n",
		r.Budget.Of, r.Budget.Most, s.FileBytes, s.BitOps, s.EnergyUJ, s.WeightBits, s.ActivationBits)
	if r.Budget.Of == search.Bytes {
		p.Printf("activations keep the bits of the checkpoint's recipe, since they take no bytes; qat train --activation-bits changes them\n")
	}
	if f.out != "" {
		p.Printf("%s trains it: qat train %s\n", f.out, shell.Word(f.out))
	}
}
