// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/export/formats"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/version"
)

func exportCommand() *cobra.Command {
	var out, name, packing string
	var options formats.Options
	var data dataFlags
	var list strings.Builder
	var names []string
	for _, f := range formats.All() {
		fmt.Fprintf(&list, "  %-11s %s\n", f.Name, f.What)
		names = append(names, f.Name)
	}
	c := &cobra.Command{
		Use:   "export FILE -o OUTPUT",
		Short: "Export a checkpoint to integers, or a .qmodel to the format of another runtime",
		Long: `Export a checkpoint of the quantized phase to a .qmodel: batch normalization
folded, every layer an integer operator, weights packed.

With --packing, write a .qmodel, too, packed as told: the same integers in other bytes.

With --format, export a .qmodel to what other runtimes read, and state of each
operator how its results agree with the integers of goqat, when it is given the same
input: exact, always the same; step, one step apart now and then; float, real numbers
that nobody quantizes; none, the format has no such operator, so that there is no file.

` + list.String(),
		Example: `  qat export runs/lenet-pact-w4a4/checkpoint-best.safetensors -o lenet.qmodel
  qat export runs/lenet-twn/checkpoint-best.safetensors --packing dense -o small.qmodel
  qat export lenet.qmodel --packing dense -o small.qmodel
  qat export lenet.qmodel --format onnx-exact -o lenet.onnx
  qat export lenet.qmodel --format c -o lenet.c
  qat export resnet20.qmodel --format tflite --data cifar10 -o resnet20.tflite`,
		Args: command.Arguments(1, 1, "a checkpoint, or a .qmodel with --format or --packing"),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return command.Wrong(c, "name the file to write with -o")
			}
			if name == "" {
				if err := command.Unread(c, "goes with --format", append(imagesFlags, "pack", "bias", "json")...); err != nil {
					return err
				}
				model, err := artifact.IsModel(args[0])
				if model = model && err == nil; model && packing == "" {
					return command.Wrong(c, "%s is a .qmodel already: name the format to write it in with --format, or its packing with --packing", args[0])
				}
				if err := command.Outputs(c, args, command.Named(out, ".qmodel")); err != nil {
					return err
				}
				if model {
					return repackModel(c, args[0], out, packing)
				}
				return exportCheckpoint(c, args[0], out, packing)
			}
			f, err := formats.Named(name)
			if err != nil {
				return err
			}
			inputs := []string{args[0], data.name}
			if err := cmp.Or(unreadBy(c, f), command.Outputs(c, inputs, command.Named(out, f.Extension))); err != nil {
				return err
			}
			second, err := f.Second(out)
			if err != nil {
				return command.Wrong(c, "%w", err)
			}
			if err := command.Outputs(c, inputs, command.Named(second, f.Beside)); err != nil {
				return err
			}
			options.Path, options.Version = out, version.Read().Version
			return exportModel(c, f, args[0], options, data)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write")
	command.OneOf(c, &name, "format", "", "write a .qmodel in the `format` "+strings.Join(names, ", "), names...)
	addPacking(c, &packing)
	c.Flags().BoolVar(&options.Pack, "pack", false, "store weights of up to 4 bits in 4; ONNX then asks for opset 21; for onnx, onnx-exact and tflite")
	command.OneOf(c, &options.Bias, "bias", onnx.FloatBias, "how onnx stores biases: `float`, or int32 for runtimes that fuse these only; for onnx", onnx.FloatBias, onnx.Int32Bias)
	addDataFlags(c, &data, ", whose training images tell ranges; for tflite")
	command.AddJSON(c)
	return c
}
