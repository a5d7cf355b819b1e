// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/internal/parquet"
	"github.com/goqat/goqat/pipeline/pipelinetest"
)

// rows returns the text of a column of a Parquet file, "-" where it is missing.
func rows(t *testing.T, path, column string) (list []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(f.Columns, func(c parquet.Column) bool { return c.Name() == column })
	for g := range f.Groups {
		if err := f.Read(g, at, func(_ int64, v parquet.Value) error {
			text := "-"
			if !v.Missing {
				text = string(v.Bytes)
			}
			list = append(list, text)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// A Parquet file is there when it is whole, and has the answers of a run that was stopped as those of one that was not. It
// is not added to.
func TestTable(t *testing.T) {
	run := pipelinetest.Train(t)
	m, err := artifact.Open(run.File("model.qmodel"))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := classify.Images([]string{run.Data}, none)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	paths = append([]string{broken}, paths...)
	out := filepath.Join(t.TempDir(), "answers.parquet")
	errStop := errors.New("stop")
	write := func(paths []string, most int) (added, known int, err error) {
		t.Helper()
		r, err := classify.OpenRecord(out, "m", 2)
		if err != nil {
			t.Fatal(err)
		}
		err = classify.Each(t.Context(), m, paths, classify.Options{Top: 2, Skip: r.Has}, func(a []classify.Answer) error {
			if r.Written == most {
				return errStop
			}
			return r.Add(a)
		})
		if err == nil {
			err = r.Finish()
		}
		return r.Written, r.Known(), errors.Join(err, r.Close())
	}
	if added, _, err := write(paths, 5); added != 5 || !errors.Is(err, errStop) {
		t.Fatal(added, err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Fatal("the file is there before it is whole")
	}
	if added, known, err := write(paths, -1); added != 77 || known != 4 || err != nil {
		t.Fatal(added, known, err)
	}
	if got := rows(t, out, "image"); !slices.Equal(got, paths) {
		t.Errorf("%d rows: %v", len(got), got)
	}
	if got := rows(t, out, "error"); !strings.Contains(got[0], "broken.png") || got[1] != "-" {
		t.Errorf("%v", got[:2])
	}
	if _, err := os.Stat(out + ".jsonl"); err == nil {
		t.Error("the lines are still there")
	}
	if added, known, err := write(paths, -1); added != 0 || known != 81 || err != nil {
		t.Error(added, known, err)
	}
	more := filepath.Join(t.TempDir(), "more.png")
	if _, _, err := write(append(paths, more), -1); err == nil || !strings.Contains(err.Error(), "is whole and has no answer of "+more) {
		t.Error(err)
	}
	refused(t, out)
}

// refused wants files that are not of this model to stay what they are.
func refused(t *testing.T, out string) {
	if _, err := classify.OpenRecord(out, "another", 2); err == nil || !strings.Contains(err.Error(), "answers of another model") {
		t.Error(err)
	}
	for path, want := range map[string]string{
		"../internal/parquet/testdata/default.parquet": "holds no answers",
		"../internal/parquet/testdata/check.py":        "no Parquet file",
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(out, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := classify.OpenRecord(out, "m", 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
		if now, err := os.ReadFile(out); err != nil || !bytes.Equal(now, text) {
			t.Errorf("%s became another file: %v", path, err)
		}
	}
}
