// SPDX-License-Identifier: Apache-2.0

// Package report writes what a training came to, or what is in a model, as one HTML
// page that needs nothing else: no script, no font and no picture from elsewhere.
package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/shell"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/train"
)

// FileName is that of the page in a run folder.
const FileName = "report.html"

// A Subject is what a page is about: a run, or a model alone.
type Subject struct {
	Record *pipeline.Record // nil for a model alone
	Model  *qmodel.Model    // nil for a run without one
	Bytes  int64            // of the model's file

	// Evidence is nil where it is not at hand, and Unseen says why, in a sentence.
	Evidence *pipeline.Evidence
	Unseen   string
	// Command makes the page again, for the foot of it.
	Command string
	// On, if not nil, is told how much of the page is made.
	On func(pipeline.Event)

	done, total int // tensors looked at and layers drawn
}

// begin says how many tensors are to be looked at, and as many layers to be drawn.
func (s *Subject) begin(tensors, layers int) { s.done, s.total = 0, tensors+layers }

// step says that one more is.
func (s *Subject) step() {
	if s.done++; s.On != nil {
		s.On(pipeline.Progress{What: "report", Done: min(s.done, s.total), Total: s.total})
	}
}

// OpenRun reads what a run folder says of its training, and its model if it has one.
func OpenRun(folder string) (*Subject, error) {
	record, err := pipeline.ReadRecord(folder)
	if err != nil {
		return nil, err
	}
	s := &Subject{Record: record, Command: "qat report " + shell.Word(folder)}
	if path := record.Model(); path != "" {
		return s, s.read(path)
	}
	return s, nil
}

// OpenModel reads a model.
func OpenModel(path string) (*Subject, error) {
	s := &Subject{Command: "qat report " + shell.Word(path)}
	return s, s.read(path)
}

// read reads the model in a file.
func (s *Subject) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if s.Model, err = qmodel.Read(f, stat.Size()); err != nil {
		return fmt.Errorf("report: %s: %w", path, err)
	}
	s.Bytes = stat.Size()
	return nil
}

// Look takes evidence: the network of the run's best checkpoint, if it has one, and what
// the last network made of the test images. Of a run, images that cannot be read are
// left out, unless data is named; Unseen then says why. The network is of the pool.
func (s *Subject) Look(ctx context.Context, images pipeline.TestImages, pool *graph.Pool) error {
	target := pipeline.Target{}
	switch {
	case s.Record == nil && images.Data == "":
		s.Unseen = "A model does not say which images it is for."
		return nil
	case s.Record == nil:
		target = pipeline.TargetOfFile(s.Model)
	case s.Record.Checkpoint() == "":
		s.Unseen = "The run has no checkpoint yet."
		return nil
	default:
		r, err := s.Restore(pool)
		if err != nil {
			return err
		}
		target = r.Target()
	}
	test, err := images.Read(ctx, target)
	if err != nil && s.Record != nil && images.Data == "" && ctx.Err() == nil {
		s.Unseen = fmt.Sprintf("The images could not be read when this page was made: %v.", err)
		return nil
	}
	if err != nil {
		return err
	}
	return s.Classify(ctx, test, pool.Threads(), func(done int) {
		if images.Reading.On != nil {
			images.Reading.On(pipeline.Progress{What: "classify", Done: done, Total: test.Len()})
		}
	})
}

// Restore takes the network of the run's best checkpoint as evidence, without images.
func (s *Subject) Restore(pool *graph.Pool) (*pipeline.Restored, error) {
	r, err := pipeline.Open(s.Record.Checkpoint(), s.Record.Recipe.Batch, pool)
	if err == nil {
		s.Evidence = &pipeline.Evidence{Network: r.Network, Quantized: r.Quantized}
	}
	return r, err
}

// Classify has the model, or the network where there is none, classify test images.
// progress, if not nil, is told how many are done.
func (s *Subject) Classify(ctx context.Context, test datasets.Split, threads int, progress func(done int)) error {
	if s.Evidence == nil {
		s.Evidence = &pipeline.Evidence{}
	}
	e := s.Evidence
	var r train.Result
	var err error
	if s.Model != nil {
		r, err = s.classifyIntegers(ctx, test, threads, progress)
	} else {
		r, err = train.Evaluate(ctx, e.Network, graph.Pass{Quantize: e.Quantized}, test, progress)
	}
	if err == nil {
		e.Test, e.Result = test, r
	}
	return err
}

func (s *Subject) classifyIntegers(ctx context.Context, test datasets.Split, threads int, progress func(int)) (train.Result, error) {
	const batch = 64 // nothing depends on it
	m, err := infer.New(s.Model)
	if err != nil {
		return train.Result{}, err
	}
	runner, err := m.NewRunner(infer.Options{Batch: batch, Threads: threads})
	if err != nil {
		return train.Result{}, err
	}
	defer runner.Close()
	return train.EvaluateIntegers(ctx, runner.Run, batch, len(s.Model.Classes), test, progress)
}

// classes are the names of the classes, nil where nothing says them.
func (s *Subject) classes() (names []string) {
	switch {
	case s.Model != nil:
		return s.Model.Classes
	case s.Evidence != nil && s.Evidence.Network != nil:
		return s.Evidence.Network.Classes
	case s.Record != nil && s.Record.Summary != nil:
		for _, c := range s.Record.Summary.PerClass {
			names = append(names, c.Class)
		}
	}
	return names
}

// FileOfRun returns where the page of a run folder belongs.
func FileOfRun(folder string) string { return filepath.Join(folder, FileName) }

// FileOfModel returns where the page of a model's file belongs, beside it.
func FileOfModel(path string) string { return path[:len(path)-len(filepath.Ext(path))] + ".html" }
