// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"testing"

	"github.com/goqat/goqat/recipe"
)

func TestGet(t *testing.T) {
	r := recipe.Default()
	for path, value := range map[string]string{"qat.weight_bits": "3", "model": "mlp", "model.name": "mlp", "data.name": "x", "seed": "7"} {
		if err := r.Set(path + "=" + value); err != nil {
			t.Fatal(err)
		}
		if got := r.Get(path); got != value {
			t.Errorf("%s: %s, want %s", path, got, value)
		}
	}
}
