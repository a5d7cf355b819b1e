// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/train"
)

// A Proof is what an exported model makes of test images, and its comparison with
// the network that it was exported from.
type Proof struct {
	Result          train.Result // on integers
	ImagesPerSecond float64      // of the runtime
	Verification    export.Verification
}

// Prove evaluates a model on test images and verifies it against its network, tensor
// by tensor, on images to compare. A single integer that differs is an error. on, if not
// nil, is told how many images are evaluated and compared.
func Prove(ctx context.Context, n *layers.Network, m *infer.Model, test, compared datasets.Split, threads int, on func(Event)) (*Proof, error) {
	tell := teller(on)
	batch := n.Graph.Batch()
	runner, err := m.NewRunner(infer.Options{Batch: batch, Threads: threads, Work: m.Work()})
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	p := &Proof{}
	start := time.Now()
	if p.Result, err = train.EvaluateIntegers(ctx, runner.Run, batch, len(n.Classes), test, tell.counter("integer", test.Len())); err != nil {
		return nil, err
	}
	p.ImagesPerSecond = float64(p.Result.Images) / time.Since(start).Seconds()
	p.Verification, err = export.Verify(ctx, n, m, compared, threads, tell.counter("verify", compared.Len()))
	if err == nil && p.Verification.IntegerMismatches > 0 {
		err = fmt.Errorf("pipeline: %s between the training graph and the model: this is a defect of goqat, please report it", plural.Do(int(p.Verification.IntegerMismatches), "integer", "differ"))
	}
	return p, err
}
