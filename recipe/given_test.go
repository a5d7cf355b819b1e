// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/recipe"
)

func TestGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.yaml")
	text := "model: lenet\ndata: {name: photos, augment: {flip: true}}\nqat:\n  lr: 0.01\n  layers: [{match: fc*, weight_bits: 8}]\nfloat: {}\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	keys, err := recipe.Given(path)
	want := []string{"model", "data.name", "data.augment.flip", "qat.lr", "qat.layers", "float"}
	if err != nil || !slices.Equal(keys, want) {
		t.Errorf("%v, %v, want %v", keys, err, want)
	}
	if _, err := recipe.Given(path + "s"); err == nil {
		t.Error("a file that is not there has keys")
	}
}
