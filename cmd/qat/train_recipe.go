// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/version"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// trainRecipe returns the recipe of the command line: defaults, then the file, then flags, with
// the keys that the file gives; or that of the run to resume.
func trainRecipe(c *cobra.Command, args []string, resume string, set []string, j job) (r *recipe.Recipe, given []string, err error) {
	if resume != "" {
		if len(args) > 0 {
			return nil, nil, command.Wrong(c, "--resume goes on with the recipe of the run, leave %s out", args[0])
		}
		var other error
		c.Flags().Visit(func(f *pflag.Flag) {
			if f.Name != "resume" && f.Name != "json" && f.Name != "threads" && f.Name != "skip-broken" && f.Name != "accept-changes" && f.Name != "epochs" && f.Name != "data" && f.Name != "data-dir" {
				other = command.Wrong(c, "--resume goes on with the recipe of the run, leave --%s out", f.Name)
			}
		})
		if other != nil {
			return nil, nil, other
		}
		r, err := pipeline.SharedRun(j, resume)
		if err != nil {
			return nil, nil, err
		}
		epochs := r.QAT.Epochs
		err = applyRecipeFlags(c, r, nil)
		r.QAT.Epochs = epochs // Train lengthens the phase
		return r, nil, err
	}
	if c.Flags().Changed("accept-changes") {
		return nil, nil, command.Wrong(c, "--accept-changes goes with --resume")
	}
	r = recipe.Default()
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			return nil, nil, command.Wrong(c, "%s is a folder, not a recipe; name images with --data %s", args[0], args[0])
		}
		if r, given, err = recipe.LoadGiven(args[0]); err != nil {
			return nil, nil, command.Wrong(c, "%w", err)
		}
	}
	if err := applyRecipeFlags(c, r, set); err != nil {
		return nil, nil, err
	}
	r.Version = version.Read().Version
	return r, given, nil
}
