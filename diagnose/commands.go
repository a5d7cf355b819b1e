// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/internal/shell"
	"github.com/goqat/goqat/ptq"
)

// Commands writes the commands that do something about what was found.
type Commands struct {
	Checkpoint string // the file that is examined
	Config     string // the recipe of its training, a file; empty if there is none
	Data       string // the data set, if another than that of the training
	SkipBroken bool   // of that
	Quantized  bool   // the checkpoint is of the quantized phase
}

// train returns the command that trains again, from the checkpoint or from the start,
// with settings.
func (c Commands) train(from bool, settings ...string) string {
	words := []string{"qat train"}
	if c.Config != "" {
		words = append(words, shell.Word(c.Config))
	}
	if from {
		words = append(words, "--init", shell.Word(c.Checkpoint))
	}
	words = append(append(words, c.data()...), "--out", "repaired")
	for _, s := range settings {
		words = append(words, "--set", shell.Word(s))
	}
	return strings.Join(words, " ")
}

// Evaluate measures on the test images: what is left to do where nothing is wrong.
func (c Commands) Evaluate() string { return c.with("qat eval") }

// look returns the command of a verb that looks at the checkpoint.
func (c Commands) with(verb string, flags ...string) string {
	words := append([]string{verb, shell.Word(c.Checkpoint)}, flags...)
	return strings.Join(append(words, c.data()...), " ")
}

// data returns the flags that name the data set.
func (c Commands) data() (words []string) {
	if c.Data == "" {
		return nil
	}
	words = append(words, "--data", shell.Word(c.Data))
	if c.SkipBroken {
		words = append(words, "--skip-broken")
	}
	return words
}

// Widen gives more bits to what a measurement is of.
func (c Commands) Widen(s ptq.Sensitivity) string {
	if !c.Quantized {
		return c.with("qat search", "--budget", "bits=8", "-o", "mixed.yaml")
	}
	key := "weight_bits"
	if s.What == ptq.OfActivations {
		key = "activation_bits"
	}
	method := ""
	if s.Bits == 1 {
		method = "method: int, "
	}
	return c.train(true, fmt.Sprintf("qat.layers=[{match: %s, %s%s: 8}]", s.Layer, method, key))
}
