// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/train"
)

// finish evaluates on the test images, exports, verifies and sums up.
func (t *run) finish(ctx context.Context, exportable bool) error {
	start := time.Now()
	s := t.summary
	s.Folder = t.folder.path
	n := t.network
	if _, err := os.Stat(t.folder.file(floatFile)); err == nil && !t.fromQuantized() {
		if s.Accuracy.Float, _, err = t.accuracy(ctx, floatFile, "float", graph.Pass{}); err != nil {
			return err
		}
	}
	if t.r.QAT.Epochs > 0 {
		var err error
		if s.Accuracy.Fakequant, s.Accuracy.Validation, err = t.accuracy(ctx, bestFile, "fake-quantized", graph.Pass{Quantize: true}); err != nil {
			return err
		}
	}
	if exportable && t.r.QAT.Epochs > 0 {
		if err := t.exportModel(ctx, n); err != nil {
			return err
		}
	}
	s.Seconds = Seconds{
		Float: t.seconds[phaseFloat], QAT: t.seconds[phaseQAT],
		Export: time.Since(start).Seconds(), Total: t.earlier + time.Since(t.started).Seconds(),
	}
	return t.folder.writeJSON(summaryFile, s)
}

// accuracy returns the accuracy of a checkpoint of the run on the test images, and the accuracy
// that it had on the validation images. The name is that of its network in what is told.
func (t *run) accuracy(ctx context.Context, file, name string, p graph.Pass) (test *float64, validation float64, err error) {
	c, err := t.folder.checkpoint(file)
	if err != nil {
		return nil, 0, err
	}
	if err := c.Restore(t.network, nil); err != nil {
		return nil, 0, err
	}
	r, err := train.Evaluate(ctx, t.network, p, t.data.Test, t.on.counter(name, t.data.Test.Len()))
	if err != nil {
		return nil, 0, err
	}
	t.judge(r)
	t.warnOfOneClass(name, r)
	return &r.Accuracy, c.Info.Validation, nil
}

// judge takes in what the last network made of the test images.
func (t *run) judge(r train.Result) {
	s, classes := t.summary, t.network.Classes
	t.result = r
	s.PerClass, s.Confusion = r.PerClass(classes), r.Confusion(len(classes))
	s.Accuracy.StandardError, s.Accuracy.Balanced = train.StandardError(r.Accuracy, r.Images), train.Balanced(s.PerClass)
}

// exportModel writes the model, evaluates it on integers, and verifies it.
func (t *run) exportModel(ctx context.Context, n *layers.Network) error {
	err := t.folder.replace(modelFile, func(w *os.File) error { return export.Write(w, n, about(t.r, t.data.Digest)) })
	if err != nil {
		return fmt.Errorf("%w; if the training diverged, lower qat.lr", err)
	}
	m, err := infer.Open(t.folder.file(modelFile))
	if err != nil {
		return err
	}
	if t.summary.SizeBytes.Integer, err = t.lookAtModel(); err != nil {
		return err
	}
	compared := t.data.Test
	if k := t.r.Verify.Images; k > 0 {
		compared = compared.Head(k)
	}
	p, err := Prove(ctx, n, m, t.data.Test, compared, t.pool.Threads(), t.on)
	if p != nil {
		t.summary.Accuracy.Integer, t.summary.RunImagesPerSecond, t.summary.Verify = &p.Result.Accuracy, p.ImagesPerSecond, &p.Verification
		t.judge(p.Result)
		t.warnOfOneClass("integer", p.Result)
	}
	return err
}

// lookAtModel warns of what is wrong with the model that was written, and returns its
// size in bytes.
func (t *run) lookAtModel() (int64, error) {
	file, err := os.Open(t.folder.file(modelFile))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return stat.Size(), t.warnOfZeros(file, stat.Size())
}
