// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/ptq"
)

// Commands writes the commands that do something about what was found.
type Commands struct {
	Checkpoint string // the file that is examined
	Config     string // the recipe of its training, a file; empty if there is none
	Data       string // the data set, if another than that of the training
	Quantized  bool   // the checkpoint is of the quantized phase
}

// train returns the command that trains again, from the checkpoint or from the start,
// with settings.
func (c Commands) train(from bool, settings ...string) string {
	words := []string{"qat train"}
	if c.Config != "" {
		words = append(words, quote(c.Config))
	}
	if from {
		words = append(words, "--init", quote(c.Checkpoint))
	}
	if c.Data != "" {
		words = append(words, "--data", quote(c.Data))
	}
	words = append(words, "--out", "repaired")
	for _, s := range settings {
		words = append(words, "--set", quote(s))
	}
	return strings.Join(words, " ")
}

// Evaluate measures on the test images: what is left to do where nothing is wrong.
func (c Commands) Evaluate() string { return c.with("qat eval") }

// look returns the command of a verb that looks at the checkpoint.
func (c Commands) with(verb string, flags ...string) string {
	words := append([]string{verb, quote(c.Checkpoint)}, flags...)
	if c.Data != "" {
		words = append(words, "--data", quote(c.Data))
	}
	return strings.Join(words, " ")
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

// quote returns a word as a shell takes it.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("./_-=:,@%+", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
