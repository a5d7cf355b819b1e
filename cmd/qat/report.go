// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/report"
)

func reportCommand() *cobra.Command {
	var data dataFlags
	var threads int
	var out string
	c := &cobra.Command{
		Use:   "report RUN|M.qmodel",
		Short: "Write what a training came to as one HTML page",
		Long: `Write one HTML page on a run folder or on a .qmodel, which opens without a network
and holds no script: the curves of both phases with what freezes in them, accuracies
with their standard errors, classes and confusions, misclassified images, bits, sizes,
energy and time by layer, histograms of weights and activations before and after
quantization with the clips, their ranges over the epochs, the proof of agreement, and
the command that repeats the run. qat train writes it at its end.

Of a .qmodel alone the page has what the file tells; --data adds what it makes of
test images. Of a run the images are those of its training. Where they are no longer
there the page goes without them and says so.`,
		Example: `  qat report runs/lenet-pact-w4a4
  qat report runs/lenet-pact-w4a4/model.qmodel --data fashion-sample -o lenet.html`,
		Args: command.Arguments(1, 1, "a run folder or a .qmodel"),
		RunE: func(c *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			open, file := report.OpenRun, report.FileOfRun
			if !info.IsDir() {
				open, file = report.OpenModel, report.FileOfModel
				if _, err := artifact.Open(args[0]); err != nil {
					return err
				}
				if data.name == "" {
					if err := command.Unread(c, "goes with --data", imagesFlags...); err != nil {
						return err
					}
				}
			}
			if out == "" {
				out = file(args[0])
			}
			if err := command.Outputs(c, []string{args[0], data.name}, command.Named(out, ".html", ".htm")); err != nil {
				return err
			}
			screen := command.Screen(c)
			defer screen.Stop()
			pool := graph.NewPool(threadsOf(threads))
			defer pool.Close()
			s, err := open(args[0])
			if err == nil {
				err = s.Look(c.Context(), data.images(c, screen), pool)
			}
			if err != nil {
				return err
			}
			screen.Stop()
			s.On = screen.Show
			if s.Unseen != "" {
				fmt.Fprintf(c.ErrOrStderr(), "note: the page is without images. %s\n", term.Plain(s.Unseen))
			}
			err = s.WriteFile(c.Context(), out)
			screen.Stop()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), term.Plain(out))
			return err
		},
	}
	addDataFlags(c, &data, "; default for a run: that of its training")
	addThreads(c, &threads)
	c.Flags().StringVarP(&out, "output", "o", "", "`file` of the page; default: report.html in the run folder, M.html beside M.qmodel")
	return c
}

// writeReport writes the page of a training that has just ended. It is no part of the
// training: what is wrong with it is said in a line.
func writeReport(c *cobra.Command, folder string, e *pipeline.Evidence, screen *term.Screen) {
	path := report.FileOfRun(folder)
	s, err := report.OpenRun(folder)
	if err == nil {
		s.Evidence, s.On = e, screen.Show
		err = s.WriteFile(c.Context(), path)
		screen.Stop()
	}
	said := "report: " + path
	if err != nil {
		said = "note: there is no report: " + err.Error()
	}
	fmt.Fprintln(c.ErrOrStderr(), term.Plain(said))
}
