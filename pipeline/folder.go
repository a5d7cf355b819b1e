// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/lock"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// The files of a run folder.
const (
	configFile  = "config.yaml"                  // the resolved recipe; it repeats the run
	metricsFile = "metrics.jsonl"                // a line an epoch
	lastFile    = "checkpoint-last.safetensors"  // where to resume
	floatFile   = "checkpoint-float.safetensors" // best validation of the float phase
	bestFile    = "checkpoint-best.safetensors"  // best validation of the quantized phase, once it has settled
	modelFile   = "model.qmodel"
	summaryFile = "summary.json"
)

// folder is the run folder of a training, locked against a second one. Rank 0 of a group
// reads for all of them; the others write nothing.
type folder struct {
	group   dist.Group
	path    string
	root    *os.Root           // the folder itself: its path may come to lead to another; nil on other ranks than 0
	release func()             // gives up the lock
	rates   map[string]float64 // images a second of the last epoch in metrics.jsonl, by phase
}

// files are those of a run, which are written beside their places before they take them.
var files = []string{configFile, metricsFile, lastFile, floatFile, bestFile, modelFile, summaryFile}

// RunOf returns the run folder that keeps, or will keep, the file at path, "" if none does: its recipe, its
// metrics, its checkpoints, its summary, and the model that the summary is about.
func RunOf(path string) string {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file
	}
	dir := filepath.Dir(path)
	there := func(name string) os.FileInfo {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return nil
		}
		return info
	}
	if there(configFile) == nil || !slices.ContainsFunc([]string{metricsFile, lastFile, floatFile, bestFile, summaryFile}, func(name string) bool { return there(name) != nil }) {
		return ""
	}
	own := there(filepath.Base(path))
	for _, name := range files {
		if name == modelFile && there(summaryFile) == nil {
			continue
		}
		if info := there(name); filepath.Base(path) == name || own != nil && info != nil && os.SameFile(own, info) {
			return dir
		}
	}
	return ""
}

// openFolder makes the run folder, or takes the one to resume.
func openFolder(r *recipe.Recipe, resume bool, group dist.Group) (*folder, error) {
	if group.Rank() > 0 {
		return &folder{group: group, path: r.Out, release: func() {}}, nil
	}
	if r.Out == "" {
		if resume {
			return nil, errors.New("pipeline: there is no run folder to resume; name it")
		}
		r.Out = freshName(r)
	}
	if info, err := os.Stat(r.Out); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("pipeline: run folder: %s is a file; name a new or an empty folder", r.Out)
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return nil, fmt.Errorf("pipeline: run folder: %w", err)
	}
	f := &folder{group: group, path: r.Out, rates: map[string]float64{}}
	if err := f.open(resume); err != nil {
		return nil, err
	}
	return f, nil
}

// open locks the folder and holds it to what a run wants of it.
func (f *folder) open(resume bool) (err error) {
	if f.root, err = os.OpenRoot(f.path); err != nil {
		return fmt.Errorf("pipeline: run folder: %w", err)
	}
	unlock, err := lock.Hold(f.path)
	if err != nil {
		f.root.Close()
		return fmt.Errorf("pipeline: run folder %s: %w", f.path, err)
	}
	f.release = func() { unlock(); f.root.Close() }
	if err = f.fit(resume); err == nil {
		err = f.sweep()
	}
	if err != nil {
		f.release()
	}
	return err
}

// fit wants a run in the folder to resume, and nothing at all in that of a new one.
func (f *folder) fit(resume bool) error {
	_, err := f.root.Stat(configFile)
	switch {
	case resume && err != nil:
		return fmt.Errorf("pipeline: %s is no run folder: it has no %s", f.path, configFile)
	case resume:
		return f.here()
	case err == nil:
		return &ResumableError{f.path, fmt.Errorf("pipeline: %s holds a run already; name another folder, or resume the run", f.path)}
	}
	found, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("pipeline: run folder %s: %w", f.path, err)
	}
	for _, file := range found {
		if name := file.Name(); name != lock.Name && name != temporary(configFile) { // as a kill leaves it
			return fmt.Errorf("pipeline: run folder %s is not empty, it has %q; name a new or an empty folder", f.path, file.Name())
		}
	}
	return f.here()
}

// here wants the path to lead to the folder that is locked.
func (f *folder) here() error {
	own, err := f.root.Stat(".")
	if err != nil {
		return fmt.Errorf("pipeline: run folder %s: %w", f.path, err)
	}
	found, err := os.Stat(f.path)
	if err != nil || !os.SameFile(own, found) {
		return fmt.Errorf("pipeline: run folder %s was removed, moved or replaced while the run was under way; start it again in another folder", f.path)
	}
	return nil
}

// temporary names the file that becomes the one with the given name.
func temporary(name string) string { return "." + name + ".partial" }

// sweep removes the temporary files of this run that a kill left there, by their exact
// names.
func (f *folder) sweep() error {
	for _, name := range files {
		if err := f.remove(temporary(name)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file, if it is there.
func (f *folder) remove(name string) error {
	if f.root == nil {
		return nil
	}
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pipeline: run folder %s: %w", f.path, err)
	}
	return nil
}

// freshName returns the first free folder named after the recipe, under runs.
func freshName(r *recipe.Recipe) string {
	base := filepath.Join("runs", fmt.Sprintf("%s-%s-w%da%d", r.Model.Name, r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits))
	name := base
	for i := 2; ; i++ {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// replace has write fill a file, whole or not at all.
func (f *folder) replace(name string, write func(*os.File) error) error {
	if f.root == nil {
		return nil
	}
	if err := f.here(); err != nil {
		return err
	}
	return atomicfile.WriteIn(f.root, name, temporary(name), write)
}

// write replaces a file by data.
func (f *folder) write(name string, data []byte) error {
	return f.replace(name, func(w *os.File) error {
		_, err := w.Write(data)
		return err
	})
}

// checkpoint reads a checkpoint of the run, on rank 0 for all.
func (f *folder) checkpoint(name string) (*train.Checkpoint, error) {
	if f.root != nil {
		if err := f.here(); err != nil {
			return nil, err
		}
	}
	return sharedCheckpoint(f.group, f.file(name))
}

// writeJSON writes v as indented JSON.
func (f *folder) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("pipeline: %s: %w", name, err)
	}
	return f.write(name, append(data, '\n'))
}

// An Epoch is a line of metrics.jsonl: what an epoch of a phase came to.
type Epoch struct {
	Phase           string             `json:"phase"` // float or qat
	Epoch           int                `json:"epoch"` // from 1
	Loss            float64            `json:"loss"`
	Accuracy        float64            `json:"accuracy"` // on the training images, while training
	Validation      float64            `json:"validation"`
	Balanced        float64            `json:"balanced"` // mean recall of the classes there
	LearningRate    float64            `json:"learning_rate"`
	ImagesPerSecond float64            `json:"images_per_second"`
	Clips           map[string]float64 `json:"clips,omitempty"`  // first value of each learned clip
	Scales          map[string]float64 `json:"scales,omitempty"` // of each quantized tensor
	Frozen          float64            `json:"frozen,omitempty"` // part of the weights that can be frozen which is, since they oscillated
}

// appendRecord adds a line to metrics.jsonl.
func (f *folder) appendRecord(e Epoch) error {
	if f.root == nil {
		return nil
	}
	if err := f.here(); err != nil {
		return err
	}
	w, err := f.root.OpenFile(metricsFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	defer w.Close()
	if err := json.NewEncoder(w).Encode(e); err != nil {
		return fmt.Errorf("pipeline: %s: %w", metricsFile, err)
	}
	f.rates[e.Phase] = e.ImagesPerSecond
	return w.Close()
}

// cutRecords drops the lines of metrics.jsonl after a checkpoint: those of a
// later phase, or of more than the given number of epochs.
func (f *folder) cutRecords(phase string, epochs int) error {
	if f.root == nil {
		return nil
	}
	file, err := f.root.Open(metricsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("pipeline: %s: %w", metricsFile, err)
	}
	var kept []byte
	for line := range bytes.Lines(data) {
		var e Epoch
		if json.Unmarshal(line, &e) != nil { // cut short by a kill
			break
		}
		if e.Phase == phase && e.Epoch > epochs || phase == phaseFloat && e.Phase == phaseQAT {
			continue
		}
		f.rates[e.Phase] = e.ImagesPerSecond
		kept = append(append(kept, bytes.TrimSuffix(line, []byte("\n"))...), '\n')
	}
	return f.write(metricsFile, kept)
}
