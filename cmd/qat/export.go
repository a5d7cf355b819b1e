// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/train"
)

func exportCommand() *cobra.Command {
	var out, name string
	var asJSON bool
	var options formatOptions
	var data dataFlags
	var list strings.Builder
	var names []string
	for _, f := range formats {
		fmt.Fprintf(&list, "  %-11s %s\n", f.name, f.what)
		names = append(names, f.name)
	}
	c := &cobra.Command{
		Use:   "export FILE -o OUTPUT",
		Short: "Export a checkpoint to integers, or a .qmodel to the format of another runtime",
		Long: `Export a checkpoint of the quantized phase to a .qmodel: batch normalization
folded, every layer an integer operator, weights packed.

With --format, export a .qmodel to what other runtimes read, and state of each
operator how its results agree with the integers of goqat, when it is given the same
input: exact, always the same; step, one step apart now and then; float, real numbers
that nobody quantizes; none, the format has no such operator, so that there is no file.

` + list.String(),
		Example: `  qat export runs/lenet-pact-w4a4/checkpoint-best.safetensors -o lenet.qmodel
  qat export lenet.qmodel --format onnx-exact -o lenet.onnx
  qat export lenet.qmodel --format c -o lenet.c
  qat export resnet20.qmodel --format tflite --data cifar10 -o resnet20.tflite`,
		Args: arguments(1, 1, "a checkpoint, or a .qmodel with --format"),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return usagef(c, "name the file to write with -o")
			}
			if err := checkOutputs(c, args[0], out); err != nil {
				return err
			}
			if name == "" {
				for _, flag := range []string{"pack", "bias", "data", "data-dir", "seed", "json"} {
					if c.Flags().Changed(flag) {
						return usagef(c, "--%s goes with --format", flag)
					}
				}
				if err := namesModel(c, out); err != nil {
					return err
				}
				return exportCheckpoint(c, args[0], out)
			}
			f := formatNamed(name)
			if f == nil {
				return usagef(c, "--format %s: want one of %s", name, strings.Join(names, ", "))
			}
			if b := onnx.Bias(options.bias); b != onnx.FloatBias && b != onnx.Int32Bias {
				return usagef(c, "--bias %s: want %s or %s", options.bias, onnx.FloatBias, onnx.Int32Bias)
			}
			options.out = out
			return exportModel(c, f, args[0], options, data, asJSON)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write")
	c.Flags().StringVar(&name, "format", "", "write a .qmodel in the `format` "+strings.Join(names, ", "))
	c.Flags().BoolVar(&options.pack, "pack", false, "store weights of up to 4 bits in 4; ONNX then asks for opset 21")
	c.Flags().StringVar(&options.bias, "bias", string(onnx.FloatBias), "how onnx stores biases: `float`, or int32 for runtimes that fuse these only")
	addDataFlags(c, &data, ", whose training images tell ranges; only --format tflite uses it")
	addJSON(c, &asJSON)
	return c
}

// exportCheckpoint writes the .qmodel of a checkpoint.
func exportCheckpoint(c *cobra.Command, checkpoint, out string) error {
	pool := kernel.NewPool(1)
	defer pool.Close()
	r, err := openQuantized(checkpoint, 1, pool)
	if err != nil {
		return err
	}
	err = train.WriteFile(out, func(w *os.File) error { return export.Write(w, r.Network, r.About()) })
	if err != nil {
		return err
	}
	stat, err := os.Stat(out)
	if err != nil {
		return err
	}
	return printf(c.OutOrStdout(), "%s, %s\n", out, byteSize(stat.Size()))
}

// openQuantized opens a checkpoint that can be exported.
func openQuantized(path string, batch int, pool *kernel.Pool) (*pipeline.Restored, error) {
	r, err := pipeline.Open(path, batch, pool)
	if err != nil {
		return nil, err
	}
	if err := r.Exportable(); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return r, nil
}

// namesModel refuses a name of another format for a .qmodel.
func namesModel(c *cobra.Command, out string) error {
	switch filepath.Ext(out) {
	case ".onnx", ".c", ".h", ".tflite", ".safetensors":
		return usagef(c, "-o %s: a .qmodel is written; name it so, and export the .qmodel with --format", out)
	}
	return nil
}
