// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
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
	return printFile(c, out, size)
}

// repackModel writes a .qmodel with its weights packed as told.
func repackModel(c *cobra.Command, path, out, packing string) error {
	m, _, err := artifact.Read(path)
	if err != nil {
		return err
	}
	m.Repack(pipeline.Packing(&recipe.QAT{Packing: packing}))
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		return err
	}
	if err := atomicfile.Write(out, func(w *os.File) error { _, err := w.Write(file.Bytes()); return err }); err != nil {
		return err
	}
	return printFile(c, out, int64(file.Len()))
}

// printFile says how large a file has become.
func printFile(c *cobra.Command, path string, size int64) error {
	p := term.NewPage(c.OutOrStdout())
	p.Printf("%s, %s\n", path, term.Bytes(size))
	return p.Err()
}
