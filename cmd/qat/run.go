// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/internal/command"
)

func runCommand() *cobra.Command {
	var o classify.Options
	var list, out string
	c := &cobra.Command{
		Use:   "run MODEL.qmodel IMAGE...",
		Short: "Classify image files on integers",
		Long: `Classify PNG, JPEG, WebP, BMP, TIFF or GIF files with a .qmodel: decoded, turned
upright by the orientation that cameras note, brought to the size and colour of the
model's input and run, all in integers. Probabilities are computed from the
logits for display; they decide nothing.
A folder stands for the images in it and below, a tar archive for those in it, - for
standard input. Several images are decoded and run at once, one on each thread.
With --part i/n, i from 0 to n-1, every n-th image is taken, and --out adds a line of
JSON for each to a file; who is stopped goes on when started again, and images with an
error are tried again. A .parquet has these answers as rows, once all are there, and is
not added to. Of a file that is no image the error is shown; the others are classified
all the same. A transparent pixel lies on white.
A model of signals takes .csv files: a row for each moment and a column for each
channel, brought to codes as in its training. Each row of a table has an answer, as
has each signal of a .npy file, [n, length, channels] or one without n.
On a terminal, long names are shortened, and of more images than fit the first.`,
		Example: `  qat run runs/lenet-pact-w4a4/model.qmodel shoe.png
  qat run model.qmodel --top 1 --json pictures
  qat run gestures.qmodel recording.csv
  qat run model.qmodel shard-*.tar --part 3/8 --out answers-3.jsonl
  qat run model.qmodel photos --out answers.parquet
  curl -s https://example.org/shoe.jpg | qat run model.qmodel -`,
		Args: command.Arguments(1, -1, "a .qmodel and images"),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := imagesOf(c, args[1:], list)
			if err != nil {
				return err
			}
			m, err := artifact.Open(args[0])
			if err != nil {
				return err
			}
			o.Runner.Threads, o.Stdin = threadsOf(o.Runner.Threads), c.InOrStdin()
			if out != "" {
				if err := command.Outputs(c, []string{args[0], list}, command.Named(out, ".jsonl", ".json", ".parquet")); err != nil {
					return err
				}
				return recordClasses(c, m, args[0], paths, o, out)
			}
			answers, err := classifyFiles(c, m, paths, o)
			if err != nil {
				return err
			}
			return showClasses(c, answers)
		},
	}
	c.Flags().IntVar(&o.Top, "top", 3, "classes to show for an image")
	command.Within(c, &o.Top, "top", 1, command.Unbounded, "")
	c.Flags().StringVar(&list, "files", "", "`file` of more paths, one a line, or - for standard input")
	c.Flags().StringVar(&out, "out", "", "add the answers to a `file`, one a line as JSON, but those it has; or make a .parquet")
	addPart(c, &o.Part)
	addThreads(c, &o.Runner.Threads)
	addWork(c, &o.Runner.Work)
	addKernel(c, &o.Runner.Kernel)
	command.AddJSON(c)
	return c
}
