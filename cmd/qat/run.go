// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
)

func runCommand() *cobra.Command {
	var top int
	var o infer.Options
	c := &cobra.Command{
		Use:   "run MODEL.qmodel IMAGE...",
		Short: "Classify image files on integers",
		Long: `Classify PNG, JPEG, WebP, BMP, TIFF or GIF files with a .qmodel: decoded, turned
upright by the orientation that cameras note, brought to the size and colour of the
model's input and run, all in integers. Probabilities are computed from the
logits for display; they decide nothing.
A folder stands for the images in it and below, - for standard input.
Of a file that is no image the error is shown; the others are classified all the same.
A transparent pixel lies on white.
A model of signals takes .csv files: a row for each moment and a column for each
channel, brought to codes as in its training. Each row of a table has an answer, as
has each signal of a .npy file, [n, length, channels] or one without n.
On a terminal, long names are shortened, and of more images than fit the first.`,
		Example: `  qat run runs/lenet-pact-w4a4/model.qmodel shoe.png
  qat run model.qmodel --top 1 --json pictures
  qat run gestures.qmodel recording.csv
  curl -s https://example.org/shoe.jpg | qat run model.qmodel -`,
		Args: command.Arguments(2, -1, "a .qmodel and at least one image"),
		RunE: func(c *cobra.Command, args []string) error {
			if top < 1 {
				return command.Wrong(c, "--top %d shows nothing, want 1 or more", top)
			}
			m, err := artifact.Open(args[0])
			if err != nil {
				return err
			}
			o.Threads = threadsOf(o.Threads)
			r, err := m.NewRunner(o)
			if err != nil {
				return err
			}
			defer r.Close()
			paths, err := classify.Images(args[1:], func(sentence string) { fmt.Fprintln(c.ErrOrStderr(), "note: "+sentence) })
			if err != nil {
				return err
			}
			answers, err := classify.Files(c.Context(), m, r, paths, c.InOrStdin(), top)
			if err != nil {
				return err
			}
			return showClasses(c, answers)
		},
	}
	c.Flags().IntVar(&top, "top", 3, "classes to show for an image")
	addThreads(c, &o.Threads)
	addWork(c, &o.Work)
	addKernel(c, &o.Kernel)
	command.AddJSON(c)
	return c
}

// showClasses writes the classes of the images, and the errors of those that have none.
func showClasses(c *cobra.Command, answers []classify.Answer) error {
	if turned := classify.Turned(answers); turned > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "note: turned upright, by the orientation noted in the file: %d of %d images\n", turned, len(answers))
	}
	failed := classify.Errors(answers)
	if command.AsJSON(c) || len(failed) < len(answers) {
		if err := command.Result(c, answers, func(p *term.Page) { printClasses(p, answers) }); err != nil {
			return err
		}
	}
	if len(failed) < 2 {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		fmt.Fprintln(c.ErrOrStderr(), term.OneLine(err))
	}
	return fmt.Errorf("%d of %d images have no classes, see above", len(failed), len(answers))
}

// printClasses writes the classes of the images for people.
func printClasses(p *term.Page, answers []classify.Answer) {
	lines, left := classify.Lines(answers, p.Rows)
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, []string{l.Image, l.Class, term.Percent(&l.Probability)})
	}
	p.Table([]string{"image", "class", "probability"}, rows)
	if left > 0 {
		p.Printf("and %d more; what is piped, as to less, is whole\n", left)
	}
}
