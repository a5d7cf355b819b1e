// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
)

func verifyCommand() *cobra.Command {
	var data dataFlags
	var threads, images int
	c := &cobra.Command{
		Use:   "verify CHECKPOINT MODEL.qmodel",
		Short: "Compare the training graph with the integer runtime, tensor by tensor",
		Long: `Compare the training graph of a checkpoint with the integer runtime on an
exported model: every integer of every intermediate tensor, over the test images.
The integers of the graph are derived from the checkpoint, never read from the
model. Fails if one differs.`,
		Example: `  qat verify runs/lenet-pact-w4a4/checkpoint-best.safetensors runs/lenet-pact-w4a4/model.qmodel`,
		Args:    command.Arguments(2, 2, "a checkpoint and a .qmodel"),
		RunE: func(c *cobra.Command, args []string) error {
			s := command.Screen(c)
			test := data.images(c, s)
			test.Most = images
			v, err := evaluate.Verify(c.Context(), args[0], args[1], test, threadsOf(threads))
			s.Stop()
			if err != nil {
				return err
			}
			warn(c, v)
			if err := command.Result(c, v, func(p *term.Page) { printVerification(p, v) }); err != nil {
				return err
			}
			if v.IntegerMismatches > 0 {
				return fmt.Errorf("%s between %s and %s: export the checkpoint again", plural.Do(int(v.IntegerMismatches), "integer", "differ"), args[0], args[1])
			}
			return nil
		},
	}
	addDataFlags(c, &data, "; default: that of the checkpoint's training")
	addThreads(c, &threads)
	command.Images(c, &images, "images", 0, "compare on the first so many test images")
	command.AddJSON(c)
	return c
}

// printVerification writes a comparison for people.
func printVerification(p *term.Page, v export.Verification) {
	p.Printf(`training graph and integer runtime, %s, %s each:
  %s
  in the fake-quantized pass:
    top class the same in %.2f %%, %.4f %% of the values differ, by at most %d
`, plural.Of(v.Images, "image"), plural.Of(v.Tensors, "tensor"), plural.Do(int(v.IntegerMismatches), "integer", "differ"), 100*v.FakequantTop1Agreement, 100*v.FakequantDiffering, v.FakequantMaxSteps)
	if warning := v.Warning(); warning != "" {
		p.Printf("  warning: %s\n", warning)
	}
}

// warn writes the warning of a comparison to standard error, where people do not read it in the result.
func warn(c *cobra.Command, v export.Verification) {
	if warning := v.Warning(); warning != "" && command.AsJSON(c) {
		fmt.Fprintln(c.ErrOrStderr(), "warning: "+warning)
	}
}
