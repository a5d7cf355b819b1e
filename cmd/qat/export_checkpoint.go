// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// addPacking adds the flag that says how a .qmodel packs weights.
func addPacking(c *cobra.Command, packing *string) {
	command.OneOf(c, packing, "packing", "", "of the file: aligned, or dense: fewer bytes, of weights at 2 (ternary), 3, 5, 6, 7 bits and of the graph at all; default: qat.packing of the checkpoint's recipe", "aligned", "dense")
}

// exportCheckpoint writes the .qmodel of a checkpoint, its weights packed as told, "" as the checkpoint's recipe says.
func exportCheckpoint(c *cobra.Command, checkpoint, out, packing string) error {
	pool := graph.NewPool(1)
	defer pool.Close()
	r, err := pipeline.OpenQuantized(checkpoint, 1, pool)
	if err != nil {
		return err
	}
	r.Recipe.QAT.Packing = cmp.Or(packing, r.Recipe.QAT.Packing)
	size, err := r.Export(out)
	if err != nil {
		return err
	}
	p := term.NewPage(c.OutOrStdout())
	p.Printf("%s, %s\n", out, term.Bytes(size))
	return p.Err()
}
