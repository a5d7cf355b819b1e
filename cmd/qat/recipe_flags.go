// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// A recipeFlag is a flag that changes one value of a recipe.
type recipeFlag struct {
	name, path, usage string
	number            bool
}

// recipeFlags are all such flags; --set reaches every other value.
var recipeFlags = []recipeFlag{
	{name: "model", path: "model", usage: "network: " + strings.Join(layers.Names(), ", ")},
	{name: "data", path: "data.name", usage: "data set of qat data list, or path of a folder or archive of images"},
	{name: "data-dir", path: "data.dir", usage: "folder to look for a named data set first"},
	{name: "method", path: "qat.method", usage: "quantization method of qat methods"},
	{name: "weight-bits", path: "qat.weight_bits", usage: "bits of weights", number: true},
	{name: "activation-bits", path: "qat.activation_bits", usage: "bits of activations", number: true},
	{name: "first-last", path: "qat.first_last", usage: "first and last layer: 8 (bits), same (as the others), float (for study only)"},
	{name: "float-epochs", path: "float.epochs", usage: "epochs of the float phase", number: true},
	{name: "epochs", path: "qat.epochs", usage: "epochs of the quantized phase", number: true},
	{name: "batch", path: "batch", usage: "images a step", number: true},
	{name: "seed", path: "seed", usage: "of everything random", number: true},
	{name: "threads", path: "threads", usage: "threads, 0 for all processors; results do not depend on it", number: true},
	{name: "init", path: "init", usage: "checkpoint to start the quantized phase from, instead of a float phase"},
	{name: "teacher", path: "teacher.checkpoint", usage: "checkpoint of a float network to learn from as well"},
	{name: "out", path: "out", usage: "run folder; default: a new one under runs"},
}

// addRecipeFlags adds --set and the flags of the given names, all without names,
// to a command. They show the values of base as defaults.
func addRecipeFlags(c *cobra.Command, base *recipe.Recipe, set *[]string, names ...string) {
	c.Flags().StringArrayVar(set, "set", nil, "change any value of the recipe: `path=value`, as in qat.lr=0.02; may be repeated")
	for _, f := range recipeFlags {
		switch {
		case len(names) > 0 && !slices.Contains(names, f.name):
			continue
		case f.number:
			c.Flags().Int(f.name, 0, f.usage)
		default:
			c.Flags().String(f.name, "", f.usage)
		}
		c.Flags().Lookup(f.name).DefValue = base.Get(f.path)
	}
}

// applyRecipeFlags changes a recipe by the flags given, then by --set, and checks
// it.
func applyRecipeFlags(c *cobra.Command, r *recipe.Recipe, set []string) error {
	for _, f := range recipeFlags {
		if flag := c.Flags().Lookup(f.name); flag != nil && flag.Changed {
			if err := r.Set(f.path + "=" + flag.Value.String()); err != nil {
				return command.Wrong(c, "--%s: %w", f.name, err)
			}
		}
	}
	for _, s := range set {
		if err := r.Set(s); err != nil {
			return command.Wrong(c, "--set: %w", err)
		}
	}
	if err := r.Validate(); err != nil {
		return command.Wrong(c, "%w", err)
	}
	if err := pipeline.CheckNames(r); err != nil {
		return command.Wrong(c, "%w", err)
	}
	return nil
}
