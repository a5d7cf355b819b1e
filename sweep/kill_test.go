// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sweep_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/sweep"
)

// killGrid and killFolder make the test binary a program that trains a grid into a folder: what TestKill kills.
const (
	killGrid   = "GOQAT_TEST_KILL_GRID"
	killFolder = "GOQAT_TEST_KILL_FOLDER"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(killGrid); file != "" {
		err := trainHalf(file, os.Getenv(killFolder))
		println(err.Error())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// trainHalf trains a grid up to the first step after a checkpoint of its first training, says so, and waits to be killed.
func trainHalf(file, folder string) error {
	list, err := sweep.Read(file, sweep.Options{Out: folder})
	if err != nil {
		return err
	}
	err = sweep.Train(context.Background(), list, func(e pipeline.Event) {
		if _, ok := e.(pipeline.Step); !ok || !exists(list[0].Folder, "checkpoint-last.safetensors") {
			return
		}
		fmt.Println("half")
		_, _ = os.Stdin.Read(make([]byte, 1))
	}, nil)
	return cmp.Or(err, errors.New("the training was done"))
}

func exists(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

// A sweep that another process trains leaves to it what it is at. When that process is killed with SIGKILL, in the midst of
// a training, the same sweep goes on, and comes to the models of one that nobody killed.
func TestKill(t *testing.T) {
	t.Parallel()
	file, out, whole := write(t, grid), t.TempDir(), t.TempDir()
	first := read(t, file, sweep.Options{Out: out})[0].Folder
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killGrid+"="+file, killFolder+"="+out)
	c.Stderr = os.Stderr
	if _, err := c.StdinPipe(); err != nil { // open as long as the process is wanted
		t.Fatal(err)
	}
	said, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	if _, err := io.ReadFull(said, make([]byte, len("half"))); err != nil {
		t.Fatal("the process ended: ", err)
	}
	// It holds the folder, and waits.
	list := read(t, file, sweep.Options{Out: out})[:1]
	if err := sweep.Train(t.Context(), list, nil, nil); err != nil || !slices.Equal(states(list), []string{sweep.Running}) {
		t.Fatal(err, states(list))
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || exists(first, "summary.json") {
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
