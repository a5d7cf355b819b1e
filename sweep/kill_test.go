// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sweep_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/goqat/goqat/sweep"
)

// killGrid and killFolder make the test binary a program that trains a grid into a folder: what TestKill kills.
const (
	killGrid   = "GOQAT_TEST_KILL_GRID"
	killFolder = "GOQAT_TEST_KILL_FOLDER"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(killGrid); file != "" {
		list, err := sweep.Read(file, sweep.Options{Out: os.Getenv(killFolder)})
		if err == nil {
			err = sweep.Train(context.Background(), list, nil, nil)
		}
		if err != nil {
			println(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A sweep that another process trains leaves to it what it is at. When that process is killed with SIGKILL, in the midst of
// a training, the same sweep goes on, and comes to the models of one that nobody killed.
func TestKill(t *testing.T) {
	t.Parallel()
	file, out, whole := write(t, grid), t.TempDir(), t.TempDir()
	first := read(t, file, sweep.Options{Out: out})[0].Folder
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killGrid+"="+file, killFolder+"="+out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	exists := func(name string) bool { _, err := os.Stat(filepath.Join(first, name)); return err == nil }
	for !exists("checkpoint-last.safetensors") {
		select {
		case err := <-ended:
			t.Fatal("the process ended: ", err)
		case <-time.After(time.Millisecond):
		}
	}
	// Stopped, it holds the folder, and the training cannot be done before it is killed.
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	list := read(t, file, sweep.Options{Out: out})[:1]
	if err := sweep.Train(t.Context(), list, nil, nil); err != nil || !slices.Equal(states(list), []string{sweep.Running}) {
		t.Fatal(err, states(list))
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || exists("summary.json") {
		t.Fatal("the training was done before the kill")
	}
	list = read(t, file, sweep.Options{Out: out})
	if want := []string{sweep.Begun, sweep.ToDo, sweep.ToDo, sweep.ToDo}; !slices.Equal(states(list), want) {
		t.Fatal(states(list))
	}
	if err := sweep.Train(t.Context(), list[:1], nil, nil); err != nil || list[0].State != sweep.Done {
		t.Fatal(err, states(list))
	}
	again := read(t, file, sweep.Options{Out: whole})[:1]
	if err := sweep.Train(t.Context(), again, nil, nil); err != nil {
		t.Fatal(err)
	}
	model := func(list []*sweep.Training) []byte {
		data, err := os.ReadFile(filepath.Join(list[0].Folder, "model.qmodel"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(model(list), model(again)) {
		t.Error("the sweep that was killed came to another model")
	}
}
