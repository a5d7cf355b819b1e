// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/pipeline"
)

// TestImagesInFile trains on images that are kept in a file: an interrupted run that
// goes on, from the cache or after it was cleared, has the model of one in memory.
func TestImagesInFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} { // where systems keep caches
		t.Setenv(name, dir)
	}
	settings := []string{"data.name=" + shades(t, "dark", "light"), "data.augment.flip=true", "batch=8"}
	whole := small(t, settings...)
	trained(t, whole)
	want := read(t, whole.Out, "model.qmodel")
	for _, clear := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		r := small(t, settings...)
		_, err := pipeline.Train(ctx, r, pipeline.Options{Memory: 1, On: func(e pipeline.Event) {
			if s, ok := e.(pipeline.Step); ok && s.Batch == 2 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if clear {
			if removed, err := datasets.ClearCachedImages(); err != nil || len(removed) != 1 {
				t.Fatal(removed, err)
			}
		}
		if r, err = pipeline.LoadRun(r.Out); err != nil {
			t.Fatal(err)
		}
		s, err := pipeline.Train(t.Context(), r, pipeline.Options{Resume: true, Memory: 1})
		if err != nil || s.Verify.IntegerMismatches != 0 {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, r.Out, "model.qmodel"), want) {
			t.Errorf("cleared %v: another model than from memory", clear)
		}
	}
}
