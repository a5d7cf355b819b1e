// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/disttest"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

// pixels is a network of which each logit is a pixel of a 1×1 image, and images
// with what it makes of them: class 0 all right, class 1 half, class 2 absent.
func pixels(t testing.TB, batch int) (*layers.Network, datasets.Split, train.Result) {
	t.Helper()
	n, err := layers.Build(layers.Linear{Channels: 3}, layers.Config{
		Input:   layers.Input{Height: 1, Width: 1, Channels: 3, Params: layers.Normalized(0.5, 0.2)},
		Classes: []string{"a", "b", "c"}, Batch: batch, Pool: graph.NewPool(1),
		Policy: qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := values(t, n, "fc1.weight")
	clear(w)
	w[0], w[4], w[8] = 1, 1, 1
	return n, datasets.Split{
			Images: []uint8{9, 1, 2, 0, 9, 0, 255, 254, 253, 1, 0, 5, 7, 7, 7}, // of equal ones the first counts
			Labels: []int32{0, 1, 0, 1, 0},
		}, train.Result{
			Images: 5, Accuracy: 0.8, Labels: []int32{0, 1, 0, 1, 0}, Predictions: []int32{0, 1, 0, 2, 0},
		}
}

func sameResult(a, b train.Result) bool {
	return a.Images == b.Images && a.Accuracy == b.Accuracy && slices.Equal(a.Labels, b.Labels) && slices.Equal(a.Predictions, b.Predictions)
}

func TestEvaluate(t *testing.T) {
	for _, batch := range []int{1, 2, 5, 7} {
		n, s, want := pixels(t, batch)
		var done []int
		got, err := train.Evaluate(context.Background(), n, graph.Pass{}, s, func(d int) { done = append(done, d) })
		if err != nil || !sameResult(got, want) {
			t.Errorf("batches of %d: %+v, %v, want %+v", batch, got, err, want)
		}
		if len(done) != (5+batch-1)/batch || done[len(done)-1] != 5 || done[0] != min(batch, 5) {
			t.Errorf("batches of %d: progress %v", batch, done)
		}
	}
}

// Any number of ranks comes to the bits of one process, also where some have nothing to do.
func TestEvaluateShared(t *testing.T) {
	for _, batch := range []int{1, 2, 5} {
		n, s, _ := pixels(t, batch)
		want, err := train.Evaluate(t.Context(), n, graph.Pass{}, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, ranks := range []int{1, 2, 3, 4, 8} {
			errs := disttest.Run(ranks, func(g dist.Group) error {
				n, s, _ := pixels(t, batch)
				got, err := train.EvaluateShared(t.Context(), g, n, graph.Pass{}, s, nil)
				if err == nil && (!sameResult(got, want) || got.Loss != want.Loss) {
					err = fmt.Errorf("batches of %d, %d ranks: %+v, not %+v", batch, ranks, got, want)
				}
				return err
			})
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestEvaluateIntegers(t *testing.T) {
	_, s, want := pixels(t, 1)
	var batches []int
	run := func(logits []int32, images []uint8) error {
		batches = append(batches, len(images)/3)
		for i, v := range images {
			logits[i] = int32(v) - 1000
		}
		if len(logits) != len(images) {
			t.Errorf("%d logits for %d pixels", len(logits), len(images))
		}
		return nil
	}
	got, err := train.EvaluateIntegers(context.Background(), run, 2, 3, s, nil)
	if err != nil || !sameResult(got, want) || !slices.Equal(batches, []int{2, 2, 1}) {
		t.Errorf("%+v, %v, batches %v, want %+v", got, err, batches, want)
	}
	broken := errors.New("broken")
	if _, err := train.EvaluateIntegers(context.Background(), func([]int32, []uint8) error { return broken }, 2, 3, s, nil); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestEvaluateErrors(t *testing.T) {
	n, s, _ := pixels(t, 2)
	if _, err := train.Evaluate(context.Background(), n, graph.Pass{}, datasets.Split{}, nil); err == nil || !strings.Contains(err.Error(), "no images") {
		t.Errorf("no images: error %v", err)
	}
	for _, label := range []int32{-1, 3} {
		other := s
		other.Labels = []int32{0, 1, 0, label, 0}
		if _, err := train.Evaluate(context.Background(), n, graph.Pass{}, other, nil); err == nil || !strings.Contains(err.Error(), "of image 3 is not one of 3 classes") {
			t.Errorf("label %d: error %v", label, err)
		}
	}
	other := s
	other.Images = s.Images[:10] // two values an image
	if _, err := train.Evaluate(context.Background(), n, graph.Pass{}, other, nil); err == nil || !strings.Contains(err.Error(), "are not 2 images of 1×1×3") {
		t.Errorf("images of another size: error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done int
	_, err := train.Evaluate(ctx, n, graph.Pass{}, s, func(d int) { done = d; cancel() })
	if !errors.Is(err, context.Canceled) || done != 2 {
		t.Errorf("cancelled after %d images: error %v", done, err)
	}
}
