// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"maps"
	"slices"
	"testing"

	"github.com/goqat/goqat/recipe"
)

// TestKindsOfLayers: what a recipe may say is what is built.
func TestKindsOfLayers(t *testing.T) {
	if built := slices.Sorted(maps.Keys(modules)); !slices.Equal(built, recipe.Kinds()) {
		t.Errorf("modules of the kinds\n%q, but recipes have\n%q", built, recipe.Kinds())
	}
}
