// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"context"
	"slices"
	"time"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/train"
)

// An Outcome is a network that was quantized without training.
type Outcome struct {
	Accuracy evaluate.Accuracies  `json:"accuracy"`
	Verify   *export.Verification `json:"verify"`
	Repairs  []ptq.Step           `json:"repairs"` // the calibration first
	Tensors  []Tensor             `json:"tensors"`
	Bytes    int64                `json:"file_bytes"`
	Seconds  float64              `json:"seconds"` // of calibration and repairs
}

// All stands for all repairs.
const All = "all"

// Checkpoint quantizes a float checkpoint, with the named repairs, writes the model to a
// file, and, unless keep is "", the quantized network to a checkpoint, and proves
// that the model computes what the network does. It is an error where Open and Network.Quantize fail, and if the network has no
// integers or a file cannot be written.
func Checkpoint(ctx context.Context, path string, s *Settings, repairs []string, out, keep string) (*Outcome, error) {
	if slices.Equal(repairs, []string{All}) {
		repairs = ptq.Repairs()
	}
	n, err := Open(ctx, path, s)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	o := &Outcome{}
	if o.Accuracy.Float, err = n.accuracy(ctx, graph.Pass{}); err != nil {
		return nil, err
	}
	start := time.Now()
	if o.Repairs, o.Tensors, err = n.Quantize(ctx, repairs...); err != nil {
		return nil, err
	}
	o.Seconds = time.Since(start).Seconds()
	if o.Accuracy.Fakequant, err = n.accuracy(ctx, graph.Pass{Quantize: true}); err != nil {
		return nil, err
	}
	return o, o.deliver(ctx, n, out, keep)
}

// deliver writes the model and proves it.
func (o *Outcome) deliver(ctx context.Context, n *Network, out, keep string) error {
	net, test := n.Restored.Network, n.Images.Test
	var err error
	if o.Bytes, err = n.Restored.Export(out); err != nil {
		return err
	}
	if keep != "" {
		if err := n.Restored.Capture().Write(keep); err != nil {
			return err
		}
	}
	m, err := infer.Open(out)
	if err != nil {
		return err
	}
	p, err := pipeline.Prove(ctx, net, m, test, test, n.pool.Threads(), n.on)
	if p != nil {
		o.Accuracy.Integer, o.Verify = &p.Result.Accuracy, &p.Verification
		o.Accuracy.StandardError = train.StandardError(p.Result.Accuracy, p.Result.Images)
		o.Accuracy.Balanced = train.Balanced(p.Result.PerClass(net.Classes))
	}
	return err
}
