// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/export/peer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

func compareCommand() *cobra.Command {
	var data dataFlags
	var o peer.Options
	var images int
	c := &cobra.Command{
		Use:   "compare MODEL.qmodel FILE",
		Short: "Compare a model with its export, run by the runtime it was exported for",
		Long: `Run the test images through a model and through a file that qat export --format made
of it, and count, tensor by tensor, the integers that differ, and the images whose
top class does. Where two classes have the same greatest logit the choice between
them is the runtime's; such images are counted apart.

The other runtime is one of ` + strings.Join(peer.Runtimes(), ", ") + `: installed
for Python, or, onnxruntime, for Node.js in the current folder (onnxruntime-node).
It is started by this command twice: for the logits, with the file as it is, and for
every tensor between that the file has under its name in the model, since runtimes
compute otherwise where these are asked for. Logits that are real numbers are divided
by their scale and rounded.`,
		Example: `  qat compare lenet.qmodel lenet.onnx --data fashion-sample --images 500
  qat compare lenet.qmodel lenet.onnx --runtime openvino --python venv/bin/python
  qat compare lenet.qmodel lenet.onnx --node node`,
		Args: command.Arguments(2, 2, "a .qmodel and a file that it was exported to"),
		RunE: func(c *cobra.Command, args []string) error {
			if o.Node != "" {
				if err := command.Unread(c, "and --node are two ways to run onnxruntime, leave one out", "python"); err != nil {
					return err
				}
			}
			m, _, err := artifact.Read(args[0])
			if err != nil {
				return err
			}
			o.Threads = threadsOf(o.Threads)
			s := command.Screen(c)
			defer s.Stop()
			test := data.images(c, s)
			test.Most = images
			split, err := test.Read(c.Context(), pipeline.TargetOfFile(m))
			if err != nil {
				return err
			}
			r, err := peer.Compare(c.Context(), m, args[1], split, o, s.Counter("compare", split.Len()))
			s.Stop()
			if err != nil {
				return fmt.Errorf("%s and %s: %w", args[0], args[1], err)
			}
			return command.Result(c, r, func(p *term.Page) { printComparison(p, r) })
		},
	}
	addDataFlags(c, &data, "; default: fashion-sample")
	addThreads(c, &o.Threads)
	command.Images(c, &images, "images", 0, "compare on the first so many test images")
	command.OneOf(c, &o.Runtime, "runtime", "", "`name` of the other runtime; default: onnxruntime for .onnx, qonnx for one of QONNX, litert for .tflite", peer.Runtimes()...)
	c.Flags().StringVar(&o.Python, "python", "", "`program` that has the runtime; default: python3")
	c.Flags().StringVar(&o.Node, "node", "", "run onnxruntime by this `program`, Node.js, instead of Python")
	command.AddJSON(c)
	return c
}

// printComparison writes a comparison for people.
func printComparison(p *term.Page, r *peer.Comparison) {
	var rows [][]string
	for _, t := range r.Tensors {
		rows = append(rows, []string{t.Name, fmt.Sprint(t.Integers), fmt.Sprint(t.Differ), fmt.Sprintf("%.2g", float64(t.Differ)/float64(t.Integers)), fmt.Sprint(t.MaxSteps)})
	}
	p.Table([]string{"tensor", "integers", "differ", "fraction", "most steps"}, rows)
	p.Printf(`goqat and %s, %s:
  %d of %d integers differ
  top class differs in %d, %d of them with equal logits
  accuracy %s and %s
`, r.Runtime, plural.Of(r.Images, "image"), r.Differ, r.Integers, r.TopClassDiffers, r.TopClassTies, accuracyOn(&r.Accuracy, r.Images), accuracyOn(&r.PeerAccuracy, r.Images))
}
