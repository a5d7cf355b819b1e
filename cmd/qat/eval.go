// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func evalCommand() *cobra.Command {
	var data dataFlags
	var o infer.Options
	var predictions string
	c := &cobra.Command{
		Use:   "eval FILE",
		Short: "Measure the accuracy of a checkpoint or a .qmodel",
		Long: `Measure the accuracy on the test images of a data set, overall and per class: of
a checkpoint with its quantizers off (float) and on (fake-quantized), of a .qmodel on
integers. Classes are matched by name. A checkpoint of the quantized phase has weights
of its own: with quantizers off it is another network than the float one of its run,
whose accuracy the summary has. Of a folder without a test part all images are
used, but those held out in training where it is the folder of the training.`,
		Example: `  qat eval runs/lenet-pact-w4a4/model.qmodel --data fashion-sample
  qat eval runs/lenet-pact-w4a4/checkpoint-best.safetensors --predictions predictions.csv`,
		Args: command.Arguments(1, 1, "a checkpoint or a .qmodel"),
		RunE: func(c *cobra.Command, args []string) error {
			s := command.Screen(c)
			o.Threads = threadsOf(o.Threads)
			e, err := evaluate.File(c.Context(), args[0], data.images(c, s), o)
			s.Stop()
			if errors.Is(err, evaluate.ErrNoData) {
				return command.Wrong(c, "%w with --data", err)
			}
			if err == nil && predictions != "" {
				err = e.WritePredictions(predictions)
			}
			if err != nil {
				return err
			}
			return command.Result(c, e, func(p *term.Page) { printEvaluation(p, e) })
		},
	}
	addDataFlags(c, &data, "; default for a checkpoint: that of its training")
	addThreads(c, &o.Threads)
	addWork(c, &o.Work)
	c.Flags().StringVar(&predictions, "predictions", "", "write file or number, class and predicted class of every image to a CSV `file`")
	command.AddJSON(c)
	return c
}
