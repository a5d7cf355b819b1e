// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
)

// TestUnread wants settings that nothing reads to be named, and none that something reads.
func TestUnread(t *testing.T) {
	t.Parallel()
	few := []string{"model={name: mlp, width: 0.05}", "data.train_limit=64", "data.test_limit=8", "float.epochs=1", "qat.epochs=1"}
	for _, c := range []struct {
		settings, want string // want is the key named, "" for none
	}{
		{"qat.method=int", ""},
		{"qat.method=int qat.clip_decay=0.01", "qat.clip_decay"},
		{"qat.method=pact qat.clip_decay=0.01", ""},
		{"qat.method=int qat.input_scaling=true", "qat.input_scaling"},
		{"qat.method=xnor qat.input_scaling=true", ""},
		{"qat.method=int qat.optimizer=adam qat.nesterov=false qat.momentum=0.5", "qat.momentum"},
		{"qat.method=int float.optimizer=adamw float.momentum=0.5", "float.momentum"},
		{"qat.method=int qat.momentum=0.5 float.momentum=0.5", ""},
		{"qat.method=int data.percentile=99", "data.percentile"},
		{"qat.method=int qat.packing=dense", ""},
	} {
		_, log := told(t, small(t, slices.Concat(few, strings.Fields(c.settings))...), pipeline.Options{})
		if c.want == "" && strings.Contains(log, "is not read") || !strings.Contains(log, c.want) || c.want != "" && !strings.Contains(log, c.want+" is not read: it is of ") {
			t.Errorf("%s: it says\n%s", c.settings, log)
		}
	}
}
