// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/import/onnx"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// imported is the outcome of `qat import`.
type imported struct {
	Largest     *float64       `json:"largest_difference"` // of a logit, from the file's; null of what is not imported
	Relative    float64        `json:"relative_difference"`
	Images      int            `json:"images"`
	Parameters  int            `json:"parameters"`
	MACs        int            `json:"macs"`
	Notes       []string       `json:"notes"`
	Unsupported []onnx.Refusal `json:"unsupported"`
}

func importCommand() *cobra.Command {
	var i pipeline.Import
	var classes string
	var threads int
	c := &cobra.Command{
		Use:   "import MODEL.onnx -o RUN",
		Short: "Take a float network from an ONNX file",
		Long: `Take a float network from an ONNX file, as PyTorch, Keras and tf2onnx write them: to a
recipe, RUN/config.yaml, and RUN/checkpoint-float.safetensors, which eval, calibrate,
sensitivity and train --init take like any other. The file and goqat's network are
compared on images, given or made, and the largest difference of a logit is stated.
What goqat has not is listed, all at once, with the nearest that it has.

Unless --mean and --std say how images are normalized outside the file, as in
(pixel/255 - mean)/std, it is given pixels of 0 to 1, or 0 to 255 where it divides
by about 255 itself. Classes without names are matched with those of data by index.

goqat's networks have one output, the logits. Of several, --logits names it; of the
others nothing is taken but what the logits need.`,
		Example: `  qat import net.onnx --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --classes names.txt -o runs/net
  qat calibrate runs/net/checkpoint-float.safetensors --data photos -o net.qmodel`,
		Args: command.Arguments(1, 1, "an ONNX file"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if i.Path = args[0]; i.Out == "" {
				return command.Wrong(c, "name the run folder to write with -o")
			}
			if err := i.Options.Check(); err != nil {
				return command.Wrong(c, "%w", err)
			}
			if i.Options.Classes, err = pipeline.ClassNames(classes); err != nil {
				return err
			}
			screen := command.Screen(c)
			i.On = screen.Show
			pool := graph.NewPool(threadsOf(threads))
			defer pool.Close()
			o, err := i.Run(c.Context(), pool)
			screen.Stop()
			if refused := (*onnx.Unsupported)(nil); errors.As(err, &refused) && command.AsJSON(c) {
				return errors.Join(command.Result(c, imported{Notes: []string{}, Unsupported: refused.Nodes}, nil), err)
			}
			if err != nil {
				return err
			}
			d := o.Difference
			result := imported{&d.Largest, d.Relative(), d.Images, o.Parameters, o.MACs, append([]string{}, o.Model.Notes...), []onnx.Refusal{}}
			return command.Result(c, result, func(p *term.Page) { printImported(p, o, i.Out) })
		},
	}
	c.Flags().StringVarP(&i.Out, "output", "o", "", "run `folder` to write, new or empty")
	command.List(c, &i.Mean, "mean", nil, "of the pixels, 0 to 1: one number, or `numbers` for the channels, divided by commas", command.Number)
	command.List(c, &i.Deviation, "std", nil, "standard deviation of the pixels: `numbers` like those of --mean", command.Number)
	c.Flags().StringVar(&classes, "classes", "", "`file` with the name of a class on each line")
	c.Flags().StringVar(&i.Logits, "logits", "", "`name` of the output that the logits are, where the file has several")
	c.Flags().StringVar(&i.Data, "data", "", "data set, or path of a folder or archive of images, that the recipe names")
	c.Flags().StringArrayVar(&i.Images, "images", nil, "image `file` or folder to compare on, may be repeated; default: made images")
	addThreads(c, &threads)
	command.AddJSON(c)
	return c
}

// printImported writes the outcome for people.
func printImported(p *term.Page, o *pipeline.Imported, out string) {
	m, d := o.Model, o.Difference
	for _, note := range m.Notes {
		p.Printf("note: %s\n", note)
	}
	p.Printf("%s: images of %dx%dx%d, %s, %s, %d parameters, %d multiply-accumulates an image\n",
		out, m.Input.Height, m.Input.Width, m.Input.Channels, plural.Of(len(m.Classes), "class"), plural.Of(len(o.Recipe.Model.Layers), "layer"), o.Parameters, o.MACs)
	p.Printf("largest difference of a logit from the file's, on %s: %.3g, %.2g of the largest logit; top classes that differ: %d\n",
		plural.Of(d.Images, "image"), d.Largest, d.Relative(), d.Top)
}
