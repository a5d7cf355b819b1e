// SPDX-License-Identifier: Apache-2.0

// Package table makes tables of trainings: a row for the run folders that differ
// in the seed alone, with mean, spread and standard error.
package table

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// A Line is a row of a table of results: a training, repeated with other seeds.
type Line struct {
	Name    string  `json:"row"`
	What    string  `json:"what"` // recipe and flags, or network, method and bits
	Seeds   []int   `json:"seeds"`
	Epochs  int     `json:"epochs"` // of both phases, without those of a checkpoint it began with
	Minutes float64 `json:"minutes_a_seed"`
	Bytes   int64   `json:"size_bytes"` // of the model's file, 0 without one

	// Mean, Least and Greatest are of the accuracies on the test images, as
	// fractions: of the integer model, else of the last network made.
	Mean     float64 `json:"accuracy"`
	Least    float64 `json:"least"`
	Greatest float64 `json:"greatest"`
	// StandardError is that of Mean: from the seeds if there are several, else from
	// the number of test images.
	StandardError float64 `json:"standard_error"`
	// Deviation is that of the accuracies of the seeds (of a sample); nil of one seed.
	Deviation *float64 `json:"deviation"`

	Quantized bool `json:"quantized"` // has a quantized phase
	// Mismatches are the integers that differ between training graph and runtime,
	// of all seeds; nil without a model.
	Mismatches *int `json:"integer_mismatches"`
}

// run is one training that is done.
type run struct {
	row     string
	recipe  *recipe.Recipe
	summary *pipeline.Summary
}

// Read makes the lines of all run folders in dir that are done. A folder belongs to
// the row that its name has before the seed. With a list of rows these alone are
// taken, in its order, without those whose names begin with base; without one all,
// by name. Read fails where no run is done.
func Read(dir string, list []Row) ([]Line, error) {
	runs, err := readRuns(dir)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = rowsOf(runs)
	}
	var lines []Line
	for _, row := range list {
		own := slices.DeleteFunc(slices.Clone(runs), func(r run) bool {
			return r.row != row.Name || row.Seeds != nil && !slices.Contains(row.Seeds, r.summary.Seed)
		})
		if len(own) > 0 && !strings.HasPrefix(row.Name, "base") {
			lines = append(lines, line(row, own))
		}
	}
	if len(lines) == 0 {
		return nil, nothing(dir, runs)
	}
	return lines, nil
}

// nothing says why a folder gives no line.
func nothing(dir string, runs []run) error {
	switch _, err := pipeline.ReadRecord(dir); {
	case len(runs) > 0:
		return fmt.Errorf("table: none of the rows has a training that is done in %s, which has those of %s; name rows as run folders are named without their seed", dir, runs[0].row)
	case err == nil:
		return fmt.Errorf("table: %s is itself a run folder; name the folder that it is in, %s", dir, filepath.Join(dir, ".."))
	}
	return fmt.Errorf("table: no folder in %s is a run folder with a summary.json, of a training that is done; train first, or name the folder above the run folders", dir)
}

// readRuns reads the run folders in dir that are done, by row and seed.
func readRuns(dir string) ([]run, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	var runs []run
	for _, f := range folders {
		r, err := pipeline.ReadRecord(filepath.Join(dir, f.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist) || !f.IsDir():
			continue // something else
		case err != nil:
			return nil, fmt.Errorf("table: %w", err)
		case r.Summary != nil: // done
			runs = append(runs, run{rowName(f.Name(), r.Summary.Seed), r.Recipe, r.Summary})
		}
	}
	slices.SortStableFunc(runs, func(a, b run) int {
		if c := strings.Compare(a.row, b.row); c != 0 {
			return c
		}
		return a.summary.Seed - b.summary.Seed
	})
	return runs, nil
}

// rowsOf returns a row for each name that sorted runs have.
func rowsOf(runs []run) (rows []Row) {
	for _, r := range runs {
		if len(rows) == 0 || rows[len(rows)-1].Name != r.row {
			rows = append(rows, Row{Name: r.row})
		}
	}
	return rows
}

// line adds up the runs of a row, at least one.
func line(row Row, runs []run) Line {
	first := runs[0]
	l := Line{Name: row.Name, What: what(row, first), Epochs: first.recipe.QAT.Epochs, Bytes: first.summary.SizeBytes.Integer,
		Quantized: first.recipe.QAT.Epochs > 0, Least: math.Inf(1), Greatest: math.Inf(-1)}
	if first.recipe.Init == "" {
		l.Epochs += first.recipe.Float.Epochs
	}
	n := float64(len(runs))
	for _, r := range runs {
		a := accuracy(r.summary)
		l.Seeds = append(l.Seeds, r.summary.Seed)
		l.Minutes += (r.summary.Seconds.Float + r.summary.Seconds.QAT) / 60 / n
		l.Mean += a / n
		l.Least, l.Greatest = min(l.Least, a), max(l.Greatest, a)
		if v := r.summary.Verify; v != nil {
			if l.Mismatches == nil {
				l.Mismatches = new(int)
			}
			*l.Mismatches += int(v.IntegerMismatches)
		}
	}
	l.StandardError = first.summary.Accuracy.StandardError
	if len(runs) > 1 {
		squares := 0.0
		for _, r := range runs {
			d := accuracy(r.summary) - l.Mean
			squares += d * d
		}
		l.StandardError = math.Sqrt(squares / (n - 1) / n)
		deviation := math.Sqrt(squares / (n - 1))
		l.Deviation = &deviation
	}
	return l
}

// what says what the runs of a row train: as the list has it, or the network,
// method and bits of its first run.
func what(row Row, r run) string {
	if row.Recipe != "" {
		return strings.Join(append([]string{row.Recipe}, row.Flags...), " ")
	}
	s := r.summary
	return fmt.Sprintf("%s, %s, w%da%d", s.Model, s.Method, s.WeightBits, s.ActivationBits)
}

// accuracy returns that of the integer model, else of the fake-quantized network,
// else of the float one.
func accuracy(s *pipeline.Summary) float64 {
	for _, a := range []*float64{s.Accuracy.Integer, s.Accuracy.Fakequant, s.Accuracy.Float} {
		if a != nil {
			return *a
		}
	}
	return 0
}
