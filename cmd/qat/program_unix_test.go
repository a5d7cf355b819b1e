// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// programVariable makes the test program the program qat.
const programVariable = "GOQAT_TEST_PROGRAM"

func program() bool {
	if os.Getenv(programVariable) == "" {
		return false
	}
	main()
	return true
}

// start starts a line of a shell in which "$0" is the program qat, and returns what
// it says to standard error, line by line.
func start(t *testing.T, line string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", line, name}, args...)...)
	c.Env = append(os.Environ(), programVariable+"=1")
	log, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewScanner(log)
}

// until reads lines up to one that has the text.
func until(t *testing.T, log *bufio.Scanner, text string) {
	t.Helper()
	for log.Scan() {
		if strings.Contains(log.Text(), text) {
			return
		}
	}
	t.Errorf("the program ended without saying %q", text)
}

// TestHangUpSavesAsTermDoes closes the terminal of a training, as a lost connection
// does: it saves, and goes on from there. Under nohup it does not notice.
func TestHangUpSavesAsTermDoes(t *testing.T) {
	r := trained(t)
	train := func(folder string) []string {
		return []string{"train", r.recipe, "--data", r.data, "--out", folder, "--float-epochs", "100000"}
	}
	for _, c := range []struct {
		name, line string
		signals    []syscall.Signal
	}{
		{"terminal", `exec "$0" "$@"`, []syscall.Signal{syscall.SIGHUP}},
		{"nohup", `trap "" HUP; exec "$0" "$@"`, []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "terminal" && signal.Ignored(syscall.SIGHUP) {
				t.Skip("the test itself is run by nohup, as its children are")
			}
			folder := filepath.Join(t.TempDir(), "run")
			p, log := start(t, c.line, train(folder)...)
			for _, signal := range c.signals {
				for range 20 { // epochs, in which it would notice the one before
					until(t, log, "float ")
				}
				if err := p.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
			}
			until(t, log, "everything is saved")
			if p.Wait(); p.ProcessState.ExitCode() != command.Interrupted {
				t.Errorf("ended with %v", p.ProcessState)
			}
			if _, err := os.Stat(filepath.Join(folder, "checkpoint-last.safetensors")); err != nil {
				t.Error(err)
			}
		})
	}
}
