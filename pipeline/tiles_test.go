// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
)

// TestTrainByTiles trains a network whose convolutions take gradients by the tiles of AMX, in portable Go: it verifies, as
// any training does, gives the same bytes again, by other threads too, and learns what it learns without tiles.
func TestTrainByTiles(t *testing.T) {
	data := shades(t, "a", "b")
	run := func(threads string) (loss float64, model []byte) {
		s := trained(t, small(t, "data.name="+data, "float.epochs=1", "qat.epochs=2", "batch=4", "threads="+threads, `model=[
			{kind: conv, channels: 32, kernel: 3, norm: true, activation: relu},
			{kind: conv, channels: 32, kernel: 3, activation: relu}, {kind: conv, channels: 32, kernel: 1, activation: relu}, {kind: linear}]`))
		var last pipeline.Epoch
		lines := bytes.Split(bytes.TrimSpace(read(t, s.Folder, "metrics.jsonl")), []byte("\n"))
		if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
			t.Fatal(err)
		}
		return last.Loss, read(t, s.Folder, "model.qmodel")
	}
	without, other := run("2")
	defer kernel.EmulateTiles()()
	loss, model := run("2")
	if _, again := run("1"); !bytes.Equal(model, again) {
		t.Error("another number of threads gives another model")
	}
	if bytes.Equal(model, other) {
		t.Error("the model is that of a training without tiles")
	}
	if math.Abs(loss-without) > 0.02*without {
		t.Errorf("loss %g, without tiles %g", loss, without)
	}
}
