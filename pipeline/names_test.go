// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// TestCheckNames says what was probably meant, and where the layers are of networks that have no name to be asked for by.
func TestCheckNames(t *testing.T) {
	for setting, want := range map[string]string{
		"model=lenet": "", "qat.method=pact": "", "model=[{kind: flatten}, {kind: linear}]": "",
		"model=lenet5":     `there is no network "lenet5", did you mean "lenet"?`,
		"model=vgg":        `there is no network "vgg", choose one of mlp, lenet`,
		"model=lenet-norm": `its layers are those in config.yaml`,
		"model=pooled":     `its layers are those in config.yaml`,
		"qat.method=pakt":  `there is no method "pakt", did you mean "pact"?`,
	} {
		r := recipe.Default()
		if err := r.Set(setting); err != nil {
			t.Fatal(err)
		}
		err := pipeline.CheckNames(r)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", setting, err, want)
		}
	}
}
