// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/disttest"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// shardedRecipe is a training in batches of 64 images in 8 shards, the last batch shorter, of a network with
// everything that is random or has a state.
func shardedRecipe(t testing.TB, out string, settings ...string) *recipe.Recipe {
	t.Helper()
	return small(t, append([]string{
		"model=[{kind: conv, channels: 6, kernel: 3, stride: 2, norm: true, activation: relu}, " +
			"{kind: residual, activation: relu, body: [{kind: conv, channels: 6, kernel: 3, pad: 1, norm: true}]}, " +
			"{kind: maxpool, size: 2}, {kind: dropout, rate: 0.2}, {kind: linear, channels: 16, norm: true, activation: relu}, {kind: linear}]",
		"shards=8", "qat.gradient_bits=6", "qat.epochs=3", "data.train_limit=150", "data.test_limit=20", "float.epochs=1", "out=" + out,
	}, settings...)...)
}

// tensorsOf digests the numbers of the last checkpoint and the model of a run.
func tensorsOf(t *testing.T, folder string) string {
	t.Helper()
	data := read(t, folder, "checkpoint-last.safetensors")
	f, err := safetensors.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, tensor := range f.Tensors {
		fmt.Fprintln(h, tensor.Name, tensor.Shape)
		h.Write(tensor.Data)
	}
	return fmt.Sprintf("%x %x", h.Sum(nil), sha256.Sum256(read(t, folder, "model.qmodel")))
}

// trainShared trains, or resumes, as so many ranks; at, if not empty, stops one of them at that event.
func trainShared(t testing.TB, ranks int, at string, of func(rank int) (*recipe.Recipe, pipeline.Options)) []error {
	t.Helper()
	return disttest.Run(ranks, func(g dist.Group) error {
		r, o := of(g.Rank())
		r.Threads = 1 + g.Rank()%2
		o.Group = g
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if at != "" && g.Rank() == 0 {
			o.On = logged(cancelAt{at, cancel})
		}
		s, err := pipeline.Train(ctx, r, o)
		if (s != nil) != (err == nil && g.Rank() == 0) {
			return fmt.Errorf("rank %d has the summary %v, %v", g.Rank(), s, err)
		}
		return err
	})
}

// TestRanks trains to the same bytes in one process and in several, and goes on to them with any other number.
func TestRanks(t *testing.T) {
	teacher := trained(t, small(t, "data.train_limit=64", "data.test_limit=20", "float.epochs=1", "qat.epochs=0")).Folder
	for i, settings := range [][]string{
		{"qat.method=inq", "qat.weight_bits=5", "qat.activation_bits=8", "qat.stages=[{epochs: 1, weight_bits: 32, activation_bits: 8}]"},
		{"qat.method=lsq", "qat.average=0.9", "data.augment.mixup=0.3"},
		{"qat.method=int", "qat.patience=1", "teacher.checkpoint=" + filepath.Join(teacher, "checkpoint-float.safetensors")},
	} {
		alone := filepath.Join(t.TempDir(), "alone")
		trained(t, shardedRecipe(t, alone, settings...))
		want := tensorsOf(t, alone)
		for _, ranks := range [][]int{{2, 8}, {3}, {4}}[i] {
			out := filepath.Join(t.TempDir(), "run")
			errs := trainShared(t, ranks, "", func(int) (*recipe.Recipe, pipeline.Options) {
				return shardedRecipe(t, out, settings...), pipeline.Options{}
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if got := tensorsOf(t, out); got != want {
				t.Errorf("%v: %d ranks come to %s, one process to %s", settings, ranks, got, want)
			}
		}
		if i == 0 {
			if got := stoppedTwice(t, settings); got != want {
				t.Errorf("%v: stopped and gone on with, ranks come to %s, one process to %s", settings, got, want)
			}
		}
	}
}

// stoppedTwice trains as 3 ranks, goes on as 2 and then as one process without a group.
func stoppedTwice(t *testing.T, settings []string) string {
	out := filepath.Join(t.TempDir(), "stopped")
	for i, at := range []string{"float 1/1", "qat 2/3"} {
		ranks := 3 - i
		errs := trainShared(t, ranks, at, func(int) (*recipe.Recipe, pipeline.Options) {
			if i == 0 {
				return shardedRecipe(t, out, settings...), pipeline.Options{}
			}
			r, err := pipeline.LoadRun(out)
			if err != nil {
				t.Error(err)
			}
			return r, pipeline.Options{Resume: true}
		})
		for r, err := range errs {
			var stopped *pipeline.Interrupted
			if !errors.As(err, &stopped) {
				t.Errorf("rank %d of %d: %v", r, ranks, err)
			}
		}
	}
	if _, err := resume(t, out, false); err != nil {
		t.Fatal(err)
	}
	return tensorsOf(t, out)
}

// TestRanksRefused names what ranks have not in common.
func TestRanksRefused(t *testing.T) {
	for _, c := range []struct {
		ranks int
		other string // setting of rank 1
		want  string
	}{
		{9, "", "9 processes cannot share a batch of so many shards: shards is 8"},
		{2, "qat.lr=0.5", "rank 1 has another recipe than rank 0: qat.lr: 0.5, there 0.003"},
		{2, "seed=2", "rank 1 has another recipe than rank 0: seed: 2, there 1"},
		{2, "threads=3", ""},
	} {
		out := filepath.Join(t.TempDir(), "run")
		errs := trainShared(t, c.ranks, "", func(rank int) (*recipe.Recipe, pipeline.Options) {
			r := shardedRecipe(t, out, "float.epochs=1", "qat.epochs=0", "data.train_limit=100")
			if rank == 1 && c.other != "" {
				if err := r.Set(c.other); err != nil {
					t.Error(err)
				}
			}
			return r, pipeline.Options{}
		})
		for r, err := range errs {
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: rank %d: %v, want %q", c.other, r, err, c.want)
			}
		}
	}
}

// TestShardsOfARun are part of what it is: it does not go on with another number.
func TestShardsOfARun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := pipeline.Train(ctx, shardedRecipe(t, out), pipeline.Options{On: logged(cancelAt{"float 1/1", cancel})}); err == nil {
		t.Fatal("it was not stopped")
	}
	r, err := pipeline.LoadRun(out)
	if err != nil {
		t.Fatal(err)
	}
	r.Shards = 4
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{Resume: true}); err == nil || !strings.Contains(err.Error(), "shards: 4, was 8") {
		t.Errorf("error %v", err)
	}
}
