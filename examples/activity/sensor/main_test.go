// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"
)

// TestRefused has a model of images, and none.
func TestRefused(t *testing.T) {
	for model, want := range map[string]string{"../../embed/fashion.qmodel": "the model is for images", "nowhere.qmodel": "nowhere.qmodel"} {
		if err := run(io.Discard, model, []string{"main.go"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", model, err, want)
		}
	}
}
