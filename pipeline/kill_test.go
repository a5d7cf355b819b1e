// SPDX-License-Identifier: Apache-2.0

//go:build unix

package pipeline_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// killFolder makes the test binary a program that trains, or goes on, in a
// folder: what TestKill kills.
const killFolder = "GOQAT_TEST_KILL_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(killFolder); folder != "" {
		if err := trainIn(folder); err != nil {
			println(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// trainIn writes a byte to standard output for every event.
func trainIn(folder string) error {
	r, err := pipeline.LoadRun(folder)
	if err != nil {
		return err
	}
	_, err = pipeline.Train(context.Background(), r, pipeline.Options{Resume: true, On: func(pipeline.Event) {
		_, _ = os.Stdout.Write([]byte{'.'})
	}})
	return err
}

// TestKill kills a training with SIGKILL, some random time after a random event, and each time goes on: the model has the
// bytes of a run that was never stopped.
func TestKill(t *testing.T) {
	events := 0
	whole, err := pipeline.Train(t.Context(), killRecipe(t), pipeline.Options{On: func(pipeline.Event) { events++ }})
	if err != nil {
		t.Fatal(err)
	}
	between := whole.Seconds.Total / float64(events)
	want := read(t, whole.Folder, "model.qmodel")
	rng := rand.New(rand.NewPCG(1, 2))
	for kills := 0; kills < killMoments; {
		r := killRecipe(t)
		if err := os.Mkdir(r.Out, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.Out+"/config.yaml", r.YAML(), 0o644); err != nil {
			t.Fatal(err)
		}
		for {
			done, err := runUntil(r, rng.IntN(events), time.Duration(rng.Float64()*between*float64(time.Second)))
			if err != nil {
				t.Fatal(err)
			}
			if done {
				break
			}
			kills++
		}
		if !bytes.Equal(want, read(t, r.Out, "model.qmodel")) {
			t.Fatalf("after %d kills the model differs from that of the uninterrupted run", kills)
		}
	}
}

func killRecipe(t *testing.T) *recipe.Recipe {
	return small(t, "threads=1", "data.augment.flip=true", "data.augment.crop=2")
}

// runUntil trains in a process of its own and kills it some time after so many events; done says that it ended before.
func runUntil(r *recipe.Recipe, events int, after time.Duration) (done bool, err error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killFolder+"="+r.Out)
	c.Stderr = os.Stderr
	told, err := c.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := c.Start(); err != nil {
		return false, err
	}
	_, ended := io.CopyN(io.Discard, told, int64(events))
	if ended == nil {
		time.Sleep(after)
		_ = c.Process.Kill() // it may have ended
	}
	if err = c.Wait(); ended != nil {
		return true, err
	}
	return err == nil, nil
}
