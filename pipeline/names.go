// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
)

// CheckNames wants the method and the network that a recipe names to exist, and says
// what was probably meant. That is an error if they do not.
func CheckNames(r *recipe.Recipe) error {
	if err := named("method", r.QAT.Method, qat.Names()); err != nil {
		return err
	}
	if len(r.Model.Layers) > 0 {
		return nil
	}
	if name := r.Model.Name; slices.Contains(madeForSets, name) {
		return fmt.Errorf("there is no network %q to name: it is made for each set of images or signals of one's own where no network is named, and its layers are those in config.yaml of such a training", name)
	}
	return named("network", r.Model.Name, layers.Names())
}

func named(what, name string, names []string) error {
	if slices.Contains(names, name) {
		return nil
	}
	if near := recipe.Nearest(name, names); near != "" {
		return fmt.Errorf("there is no %s %q, did you mean %q?", what, name, near)
	}
	return fmt.Errorf("there is no %s %q, choose one of %s", what, name, strings.Join(names, ", "))
}
