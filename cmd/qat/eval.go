// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/internal/term"
)

func evalCommand() *cobra.Command {
	var data dataFlags
	var o infer.Options
	var predictions, out string
	var part share.Part
	c := &cobra.Command{
		Use:   "eval FILE",
		Short: "Measure the accuracy of a checkpoint or a .qmodel",
		Long: `Measure the accuracy on the test images of a data set, overall and per class: of
a checkpoint with its quantizers off (float) and on (fake-quantized), of a .qmodel on
integers. Classes are matched by name. A checkpoint of the quantized phase has weights
of its own: with quantizers off it is another network than the float one of its run,
whose accuracy the summary has. Of a folder without a test part all images are
used, but those held out in training where it is the folder of the training.
With --part i/n, i from 0 to n-1, every n-th test image is taken, and of a folder or an
archive no other is decoded. qat table makes one evaluation of the files that --out
wrote of all parts; a file that is there is shown and not made again.`,
		Example: `  qat eval runs/lenet-pact-w4a4/model.qmodel --data fashion-sample
  qat eval runs/lenet-pact-w4a4/checkpoint-best.safetensors --predictions predictions.csv
  qat eval model.qmodel --data photos --part 0/4 --out eval-0.json`,
		Args: command.Arguments(1, 1, "a checkpoint or a .qmodel"),
		RunE: func(c *cobra.Command, args []string) error {
			s := command.Screen(c)
			if err := command.Outputs(c, []string{args[0], data.name}, command.Named(predictions, ".csv"), command.Named(out, ".json")); err != nil {
				return err
			}
			if model, err := artifact.IsModel(args[0]); err == nil && !model {
				if err := command.Unread(c, "is for a .qmodel, "+args[0]+" is a checkpoint", "work"); err != nil {
					return err
				}
			}
			o.Threads = threadsOf(o.Threads)
			images := data.images(c, s)
			images.Part = part
			e, err := evaluate.Once(c.Context(), out, args[0], images, o)
			s.Stop()
			if errors.Is(err, evaluate.ErrNoData) {
				return command.Wrong(c, "%w", err)
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
	c.Flags().StringVar(&out, "out", "", "write the evaluation as JSON to a `file`")
	addPart(c, &part)
	command.AddJSON(c)
	return c
}
