// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// limitVariable makes the test program one command line whose files can have no
// more than so many bytes: the system then refuses to write, as a full disk does.
const limitVariable = "GOQAT_TEST_FILE_BYTES"

// limited runs the command line of such a program; the others go on with tests.
func limited() bool {
	most, err := strconv.ParseUint(os.Getenv(limitVariable), 10, 64)
	if err != nil {
		return false
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(command.Failed)
	}
	os.Exit(command.Execute(context.Background(), newRoot(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	return true
}

// executeLimited runs a command line in a process whose files cannot grow beyond most
// bytes.
func executeLimited(t *testing.T, most int, args ...string) (stderr string, code int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), limitVariable+"="+strconv.Itoa(most))
	var log strings.Builder
	c.Stderr = &log
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return log.String(), c.ProcessState.ExitCode()
}

func TestFullDisk(t *testing.T) {
	r := trained(t)
	out := t.TempDir()
	model := filepath.Join(out, "model.qmodel")
	predictions := filepath.Join(out, "predictions.csv")
	for _, c := range []struct {
		file string
		args []string
	}{
		{model, []string{"export", r.checkpoint(), "-o", model}},
		{predictions, []string{"eval", r.model(), "--data", r.data, "--predictions", predictions}},
		{filepath.Join(out, "run", "summary.json"), []string{"train", r.recipe, "--data", r.data, "--out", filepath.Join(out, "run")}},
	} {
		t.Run(c.args[0], func(t *testing.T) {
			stderr, code := executeLimited(t, 100, c.args...)
			if code != command.Failed || !strings.Contains(stderr, "qat: ") || !strings.Contains(stderr, "file too large") {
				t.Errorf("exit %d, %q", code, stderr)
			}
			if _, err := os.Stat(c.file); !os.IsNotExist(err) {
				t.Errorf("%s is there: %v", c.file, err)
			}
		})
	}
	left, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Name() != "run" {
		t.Errorf("left behind: %v", left)
	}
}
