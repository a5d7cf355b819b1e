// SPDX-License-Identifier: Apache-2.0

//go:build unix

package pipeline_test

import (
	"bytes"
	"context"
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

func trainIn(folder string) error {
	r, err := pipeline.LoadRun(folder)
	if err != nil {
		return err
	}
	_, err = pipeline.Train(context.Background(), r, pipeline.Options{Resume: true})
	return err
}

// TestKill kills a training at random moments with SIGKILL, and each time goes
// on: the model has the bytes of a run that was never stopped.
func TestKill(t *testing.T) {
	whole := trained(t, killRecipe(t))
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
			done, err := runUntil(r, time.Duration(rng.IntN(int(whole.Seconds.Total*1e3)))*time.Millisecond)
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

// runUntil trains in a process of its own and kills it after a while; done says
// that it ended before.
func runUntil(r *recipe.Recipe, after time.Duration) (done bool, err error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killFolder+"="+r.Out)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return false, err
	}
	timer := time.AfterFunc(after, func() { c.Process.Kill() })
	err = c.Wait()
	if timer.Stop() {
		return true, err
	}
	return err == nil, nil
}
