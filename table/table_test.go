// SPDX-License-Identifier: Apache-2.0

package table_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/goqat/goqat/table"
)

// done writes a run folder of a training that is done.
func done(t *testing.T, dir, name string, seed int, accuracy, rest string) {
	t.Helper()
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	summary := fmt.Sprintf(`{"model": "lenet", "method": "int", "weight_bits": 8, "activation_bits": 8, "seed": %d,
		"accuracy": {%s, "standard_error": 0.004}, "seconds": {"float": 60, "qat": 30}%s}`, seed, accuracy, rest)
	for file, text := range map[string]string{"summary.json": summary, "config.yaml": "float:\n  epochs: 12\nqat:\n  epochs: 8\n"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRead compares a line with mean, spread and standard error taken by hand: of
// 0.90, 0.92 and 0.94 the deviation is 0.02, its standard error 0.02/√3.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	model := `, "size_bytes": {"integer": 1234}, "verify": {"integer_mismatches": 0}`
	for seed, accuracy := range map[int]string{1: "0.90", 2: "0.92", 3: "0.94"} {
		done(t, dir, table.Folder("int-8", seed), seed, `"float": 0.5, "integer": `+accuracy, model)
	}
	done(t, dir, "float-1", 1, `"float": 0.93`, "")
	done(t, dir, "base-1", 1, `"float": 0.93`, "")
	if err := os.Mkdir(filepath.Join(dir, "begun-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	lines, err := table.Read(dir, nil)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	l := lines[1]
	if l.Name != "int-8" || len(l.Seeds) != 3 || l.Epochs != 20 || math.Abs(l.Mean-0.92) > 1e-12 || l.Least != 0.90 || l.Greatest != 0.94 ||
		math.Abs(l.StandardError-0.02/math.Sqrt(3)) > 1e-12 || math.Abs(l.Minutes-1.5) > 1e-12 || l.Mismatches == nil || *l.Mismatches != 0 {
		t.Errorf("%+v", l)
	}
	if lines[0].StandardError != 0.004 {
		t.Errorf("one seed has the standard error %v, want that of its test images", lines[0].StandardError)
	}
	var b strings.Builder
	if err := table.Markdown(&b, lines); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| float | `lenet, int, w8a8` | 1 | 20 | 1.5 | - | 93.00 ± 0.40 % | - | - | fake-quantized only |\n",
		"| int-8 | `lenet, int, w8a8` | 1, 2, 3 | 20 | 1.5 | 1234 B | 92.00 ± 1.15 % | 90.00 to 94.00 | 1.00 | 0 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("want %sgot\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := table.CSV(&b, lines); err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(all) != 3 || len(all[0]) != 12 {
		t.Fatal(all, err)
	}
	if d, err := strconv.ParseFloat(all[2][9], 64); err != nil || math.Abs(d-0.02) > 1e-12 || all[2][2] != "1 2 3" || all[2][5] != "1234" || all[1][9] != "" || all[1][11] != "" {
		t.Errorf("%q", all)
	}
	only, err := table.Read(dir, []table.Row{{Name: "int-8", Seeds: []int{2}, Recipe: "int-8.yaml", Flags: []string{"--epochs", "8"}}})
	if err != nil || len(only) != 1 || only[0].Mean != 0.92 || only[0].What != "int-8.yaml --epochs 8" {
		t.Errorf("%+v, %v", only, err)
	}
}

// TestBad names what is wrong with lists and folders.
func TestBad(t *testing.T) {
	dir := t.TempDir()
	if _, err := table.Read(dir, nil); err == nil || !strings.Contains(err.Error(), "train first") {
		t.Errorf("an empty folder: %v", err)
	}
	done(t, dir, "x-1", 1, `"float": 0.5`, "")
	run := filepath.Join(dir, "x-1")
	if _, err := table.Read(run, nil); err == nil || !strings.Contains(err.Error(), run+" is itself a run folder; name the folder that it is in, "+dir) {
		t.Errorf("a run folder: %v", err)
	}
	if _, err := table.Read(dir, []table.Row{{Name: "y"}}); err == nil || !strings.Contains(err.Error(), "none of the rows") {
		t.Errorf("rows of other trainings: %v", err)
	}
	summary := filepath.Join(run, "summary.json")
	if err := os.WriteFile(summary, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Read(dir, nil); err == nil || !strings.Contains(err.Error(), summary) {
		t.Errorf("a broken summary: %v", err)
	}
	for text, want := range map[string]string{
		"# nothing\nrow 1\n":   ":2: 2 words",
		"row 1,b recipe.yaml ": `:1: "b" is no seed`,
	} {
		list := filepath.Join(dir, "list")
		if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := table.ReadList(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestChart wants every line with a model by its name, and float as a level.
func TestChart(t *testing.T) {
	var b strings.Builder
	lines := []table.Line{
		{Name: "float", Mean: 0.93}, {Name: "int-8 & <more>", Bytes: 60000, Mean: 0.92, StandardError: 0.002}, {Name: "int-4", Bytes: 31000, Mean: 0.9},
	}
	if err := table.Chart(&b, lines); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">float<", ">int-8 &amp; &lt;more&gt;<", ">int-4<", "bytes of the model"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
	if err := table.Chart(&b, lines[:1]); err != nil {
		t.Errorf("without a model: %v", err)
	}
}
