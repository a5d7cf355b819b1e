// SPDX-License-Identifier: Apache-2.0

//go:build long

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCluster carries out docs/cluster.md in an empty folder, where there is an MPI library, with this repository in
// place of a clone. What the page shows of the output has to come, but for the numbers.
func TestCluster(t *testing.T) {
	for _, program := range []string{"sh", "mpirun", "pkill", "cmp"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	text, err := os.ReadFile("../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	commands, output := page(string(text))
	const clone = "git clone https://github.com/goqat/goqat\n"
	if !strings.Contains(commands, clone) {
		t.Fatalf("docs/cluster.md has no %q", clone)
	}
	dir := t.TempDir()
	commands = strings.NewReplacer(
		clone, "ln -s '"+repository+"' goqat\n",
		"runs/hurt", "runs/hurt"+filepath.Base(filepath.Dir(dir)), // so that no other process is killed
	).Replace(commands)
	run := exec.Command("sh", "-eu", "-c", commands)
	run.Dir = dir
	run.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false",
		// As root and on one processor, too, where Open MPI would refuse.
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "PRTE_ALLOW_RUN_AS_ROOT=1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1",
		"OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_hwloc_base_binding_policy=none", "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe", "PRTE_MCA_hwloc_default_binding_policy=none")
	printed, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, printed)
	}
	for line := range strings.Lines(output) {
		if !strings.Contains(numberless(string(printed)), numberless(line)) {
			t.Errorf("docs/cluster.md has %q, which is not in the output:\n%s", line, printed)
		}
	}
}

var number = regexp.MustCompile(`\d+(\.\d+)?`)

// numberless returns a text with all numbers made alike.
func numberless(text string) string { return number.ReplaceAllString(text, "#") }
