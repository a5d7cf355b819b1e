// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/table"
)

// stub stands for the program: it notes its arguments, and ends a training at
// once, the first one only when it is resumed.
const stub = `#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
while [ $# -gt 0 ]; do
	case $1 in --out | --resume) out=$2 ;; esac
	shift
done
if [ ! -e "$(dirname "$0")/begun" ]; then
	touch "$(dirname "$0")/begun"
	mkdir -p "$out"
	touch "$out/config.yaml"
	exit 130
fi
mkdir -p "$out"
printf 'init: ""\nfloat:\n  epochs: 12\nqat:\n  epochs: 8\n' >"$out/config.yaml"
cat >"$out/summary.json" <<END
{
 "seed": 1,
 "accuracy": {
  "float": 0.93,
  "fakequant": null,
  "integer": 0.92,
  "validation": 0.925
 },
 "verify": {
  "integer_mismatches": 0
 },
 "size_bytes": {
  "integer": 1234
 },
 "seconds": {
  "float": 60,
  "qat": 30
 }
}
END
`

// TestTables trains every table with a program that only says so: an interrupted
// row is resumed, a done one skipped, every recipe is there, and the table prints.
func TestTables(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	lists, err := filepath.Glob("tables/*")
	if err != nil || len(lists) == 0 {
		t.Fatalf("%d tables, %v", len(lists), err)
	}
	for _, list := range lists {
		name := filepath.Base(list)
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "qat")
			if err := os.WriteFile(program, []byte(stub), 0o755); err != nil {
				t.Fatal(err)
			}
			tr := trainer{program: program, recipes: ".", runs: filepath.Join(dir, "runs"), table: name}
			if err := tr.trainAll(t.Context(), list); err == nil {
				t.Error("an interruption did not stop the program")
			}
			for range 2 {
				if err := tr.trainAll(t.Context(), list); err != nil {
					t.Fatal(err)
				}
			}
			checkCalls(t, dir, filepath.Join(tr.runs, name))
			rows, err := table.ReadList(list)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := table.Read(filepath.Join(tr.runs, name), rows)
			if err != nil || lines[0].Mean != 0.92 || lines[0].Bytes != 1234 || lines[0].Epochs != 20 {
				t.Errorf("%+v, %v", lines, err)
			}
		})
	}
}

// checkCalls checks the calls that a stub in dir noted: the second resumes a run in
// runs, none comes twice, every recipe and checkpoint is there.
func checkCalls(t *testing.T, dir, runs string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(calls) < 3 || !strings.HasPrefix(calls[1], "train --resume "+runs) {
		t.Errorf("after the interruption: %q", calls)
	}
	seen := map[string]bool{}
	for _, call := range calls {
		if seen[call] {
			t.Errorf("twice: %s", call)
		}
		seen[call] = true
		if strings.Contains(call, "@") {
			t.Errorf("%s has a row that is no checkpoint", call)
		}
		if words := strings.Fields(call); words[1] != "--resume" {
			if _, err := os.Stat(words[1]); err != nil {
				t.Error(err)
			}
		}
	}
}
