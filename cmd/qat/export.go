// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/train"
)

func exportCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "export CHECKPOINT -o MODEL.qmodel",
		Short: "Export a checkpoint to integers",
		Long: `Export a checkpoint of the quantized phase to a .qmodel: batch normalization
folded, every layer an integer operator, weights packed.`,
		Example: `  qat export runs/lenet-pact-w4a4/checkpoint-best.safetensors -o lenet.qmodel`,
		Args:    arguments(1, 1, "a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return usagef(c, "name the file to write with -o")
			}
			pool := kernel.NewPool(1)
			defer pool.Close()
			r, err := openQuantized(args[0], 1, pool)
			if err != nil {
				return err
			}
			err = train.WriteFile(out, func(w *os.File) error { return export.Write(w, r.Network, r.Recipe.QAT.Method) })
			if err != nil {
				return err
			}
			stat, err := os.Stat(out)
			if err != nil {
				return err
			}
			return printf(c.OutOrStdout(), "%s, %s\n", out, byteSize(stat.Size()))
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write")
	return c
}

// openQuantized opens a checkpoint that can be exported.
func openQuantized(path string, batch int, pool *kernel.Pool) (*pipeline.Restored, error) {
	r, err := pipeline.Open(path, batch, pool)
	if err != nil {
		return nil, err
	}
	if err := exportable(r); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return r, nil
}

// exportable says why a checkpoint has no integers.
func exportable(r *pipeline.Restored) error {
	if !r.Network.Graph.Run.Quantize {
		return errors.New("it is of the float phase, whose tensors have no scales yet; take one of the quantized phase")
	}
	return export.Check(r.Network)
}
