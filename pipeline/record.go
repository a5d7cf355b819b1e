// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goqat/goqat/recipe"
)

// A Record is what a run folder says of its training, done or not.
type Record struct {
	Folder  string
	Recipe  *recipe.Recipe
	Summary *Summary // nil before the end
	Epochs  []Epoch
}

// ReadRecord reads the recipe, the metrics and the summary in a run folder. A folder
// without a recipe is none: the error is one of fs.ErrNotExist.
func ReadRecord(folder string) (*Record, error) {
	r := &Record{Folder: folder}
	if _, err := os.Stat(r.file(configFile)); err != nil {
		return nil, fmt.Errorf("pipeline: %s is no run folder: %w", folder, err)
	}
	var err error
	if r.Recipe, err = recipe.Load(r.file(configFile)); err != nil {
		return nil, err
	}
	if r.Epochs, err = readEpochs(r.file(metricsFile)); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(r.file(summaryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	r.Summary = &Summary{Folder: folder}
	if err := json.Unmarshal(text, r.Summary); err != nil {
		return nil, fmt.Errorf("pipeline: %s: %w", r.file(summaryFile), err)
	}
	return r, nil
}

// readEpochs reads the lines of a file of metrics, up to one that is cut short, as a
// kill leaves it. There are none without a file.
func readEpochs(path string) (epochs []Epoch, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	for line := range bytes.Lines(data) {
		var e Epoch
		if json.Unmarshal(line, &e) != nil {
			break
		}
		epochs = append(epochs, e)
	}
	return epochs, nil
}

func (r *Record) file(name string) string { return filepath.Join(r.Folder, name) }

// Model returns the path of the run's integer model, "" if it has none.
func (r *Record) Model() string { return r.existing(modelFile) }

// Checkpoint returns the path of the best checkpoint of the quantized phase, else of
// the float one, "" if there is none.
func (r *Record) Checkpoint() string {
	if best := r.existing(bestFile); best != "" {
		return best
	}
	return r.existing(floatFile)
}

func (r *Record) existing(name string) string {
	if _, err := os.Stat(r.file(name)); err != nil {
		return ""
	}
	return r.file(name)
}

// A Change is something that starts or freezes at the beginning of an epoch of the
// quantized phase.
type Change struct {
	Epoch int // from 0
	What  string
}

// Changes are those of the run, in the order of the epochs.
func (r *Record) Changes() (list []Change) {
	q := &r.Recipe.QAT
	if q.Epochs == 0 {
		return nil
	}
	s := quantizedSchedule(q, 0)
	for i, at := range s.Stages {
		list = append(list, Change{at, fmt.Sprintf("stage %d ends", i+1)})
	}
	for _, c := range []Change{{s.FreezeObserver, "ranges freeze"}, {s.FreezeNorm, "batch norm freezes"}} {
		if c.Epoch < q.Epochs {
			list = append(list, c)
		}
	}
	return list
}
