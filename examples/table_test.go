// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// trainer stands for the program: it notes its arguments, and ends a training at
// once, the first one only when it is resumed.
const trainer = `#!/bin/sh
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
// row is resumed, a done one skipped, every recipe is there.
func TestTables(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	for _, table := range glob(t, "recipes/tables/*") {
		name := filepath.Base(table)
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "qat")
			if err := os.WriteFile(program, []byte(trainer), 0o755); err != nil {
				t.Fatal(err)
			}
			runs := filepath.Join(dir, "runs")
			script := func(verb string) (string, error) {
				c := exec.Command("sh", "recipes/table.sh", verb, name, runs)
				c.Env = append(os.Environ(), "QAT="+program)
				out, err := c.Output()
				return string(out), err
			}
			if _, err := script("train"); err == nil {
				t.Error("an interruption did not stop the script")
			}
			for range 2 {
				if out, err := script("train"); err != nil {
					t.Fatalf("%v, %s", err, out)
				}
			}
			text, err := os.ReadFile(filepath.Join(dir, "calls"))
			if err != nil {
				t.Fatal(err)
			}
			calls := strings.Split(strings.TrimSpace(string(text)), "\n")
			if first := filepath.Join(runs, name); len(calls) < 3 || !strings.HasPrefix(calls[1], "train --resume "+first) {
				t.Errorf("after the interruption: %q", calls[1])
			}
			seen := map[string]bool{}
			for _, call := range calls {
				if seen[call] {
					t.Errorf("twice: %s", call)
				}
				seen[call] = true
				words := strings.Fields(call)
				if words[1] != "--resume" {
					if _, err := os.Stat(words[1]); err != nil {
						t.Error(err)
					}
				}
			}
			out, err := script("print")
			if err != nil || !strings.Contains(out, "| 1234 B | 92.00 % | ") {
				t.Errorf("%v, printed:\n%s", err, out)
			}
		})
	}
}
