// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/internal/kernel"
)

func verifyCommand() *cobra.Command {
	var data dataFlags
	var threads, images int
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify CHECKPOINT MODEL.qmodel",
		Short: "Compare the training graph with the integer runtime, tensor by tensor",
		Long: `Compare the training graph of a checkpoint with the integer runtime on an
exported model: every integer of every intermediate tensor, over the test images.
The integers of the graph are derived from the checkpoint, never read from the
model. Fails if one differs.`,
		Example: `  qat verify runs/lenet-pact-w4a4/checkpoint-best.safetensors runs/lenet-pact-w4a4/model.qmodel`,
		Args:    arguments(2, 2, "a checkpoint and a .qmodel"),
		RunE: func(c *cobra.Command, args []string) error {
			pool := kernel.NewPool(threadsOf(threads))
			defer pool.Close()
			r, err := openQuantized(args[0], evaluationBatch, pool)
			if err != nil {
				return err
			}
			m, err := openModel(args[1])
			if err != nil {
				return err
			}
			in := r.Network.Input
			split, err := data.open(c, r.Recipe, target{in.Height, in.Width, in.Channels, r.Network.Classes, r.About().Data})
			if err != nil {
				return err
			}
			if images > 0 {
				split = split.Head(images)
			}
			bar := newBar(c, "verify", int64(split.Len()))
			v, err := export.Verify(c.Context(), r.Network, m, split, pool.Threads(), func(done int) { _ = bar.Set(done) })
			_ = bar.Clear()
			if err != nil {
				return fmt.Errorf("%s and %s: %w", args[0], args[1], err)
			}
			if asJSON {
				fmt.Fprint(c.ErrOrStderr(), disagreement(v))
				err = printJSON(c.OutOrStdout(), v)
			} else {
				err = printf(c.OutOrStdout(), "%s", verified(v))
			}
			if err == nil && v.IntegerMismatches > 0 {
				err = fmt.Errorf("%d integers differ between %s and %s: export the checkpoint again", v.IntegerMismatches, args[0], args[1])
			}
			return err
		},
	}
	addDataFlags(c, &data, "; default: that of the checkpoint's training")
	addThreads(c, &threads)
	c.Flags().IntVar(&images, "images", 0, "compare on the first so many test images, 0 for all")
	addJSON(c, &asJSON)
	return c
}

// verified writes a comparison for people.
func verified(v export.Verification) lines {
	text := fmt.Sprintf(`training graph and integer runtime, %d images, %d tensors each:
  %d integers differ
  with sums in floating point:
    top class the same in %.2f %%, %.4f %% of the values differ, by at most %d
`, v.Images, v.Tensors, v.IntegerMismatches, 100*v.FakequantTop1Agreement, 100*v.FakequantDiffering, v.FakequantMaxSteps)
	if warning := disagreement(v); warning != "" {
		text += "  " + string(warning)
	}
	return lines(text)
}

// disagreement warns of a network whose integers find other classes than training did; it is empty for others.
func disagreement(v export.Verification) lines {
	if v.FakequantTop1Agreement >= wantedAgreement {
		return ""
	}
	return lines(fmt.Sprintf("warning: the integers find another class than training did for %.1f %% of the images; the network is weak, see its accuracy\n",
		100*(1-v.FakequantTop1Agreement)))
}

// wantedAgreement is the part of the images for which the fake-quantized pass and
// the integers should find the same class; less has a warning.
const wantedAgreement = 0.99
