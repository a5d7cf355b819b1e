// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/recipe"
)

func TestGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.yaml")
	text := "model: {name: lenet}\ndata: {name: photos, augment: {flip: true}}\nqat:\n  lr: 0.01\n  layers: [{match: fc*, weight_bits: 8}]\nfloat: {}\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, keys, err := recipe.LoadGiven(path)
	want := []string{"model.name", "data.name", "data.augment.flip", "qat.lr", "qat.layers", "float"}
	if err != nil || !slices.Equal(keys, want) || r.Data.Name != "photos" {
		t.Errorf("%v, %v, want %v", keys, err, want)
	}
	if _, _, err := recipe.LoadGiven(path + "s"); err == nil {
		t.Error("a file that is not there has keys")
	}
}

// A recipe may come through a pipe, which can be read once, as qat train <(sed …) has it.
func TestGivenThroughPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("this system has no paths of open files")
	}
	if _, err := w.WriteString("seed: 7\nqat: {lr: 0.01}\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got, keys, err := recipe.LoadGiven(path)
	if err != nil || got.Seed != 7 || !slices.Equal(keys, []string{"seed", "qat.lr"}) {
		t.Errorf("%+v, %v, %v", got, keys, err)
	}
}
