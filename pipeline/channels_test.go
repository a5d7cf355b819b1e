// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
)

// TestMeansOfChannels trains, exports and verifies networks whose images have a mean and
// a deviation for each channel, at odd sizes and with padding. No integer differs.
func TestMeansOfChannels(t *testing.T) {
	t.Parallel()
	const net = `[{kind: conv, channels: 6, kernel: [3, 4], pad: [1, 2, 0, 1], stride: [2, 1], norm: true, activation: relu},
		{kind: conv, channels: 8, kernel: 3, dilation: 2, pad: 2, norm: true, activation: relu}, {kind: globalavgpool}, {kind: linear}]`
	for _, c := range []struct {
		method  string
		bits    int
		network string
	}{{"int", 8, net}, {"pact", 4, net}, {"bnn", 1, net}, {"dorefa", 1, "mlp"}} {
		t.Run(fmt.Sprint(c.method, c.bits), func(t *testing.T) {
			r := small(t, "model="+c.network, "data.height=13", "data.width=11", "data.channels=3", "data.train_limit=64", "data.test_limit=24",
				"data.mean=[0.485, 0.456, 0.406]", "data.deviation=[0.229, 0.224, 0.225]", "batch=32", "float.epochs=1", "qat.epochs=1",
				"qat.method="+c.method, fmt.Sprint("qat.weight_bits=", c.bits), fmt.Sprint("qat.activation_bits=", c.bits))
			s := trained(t, r)
			if v := s.Verify; v == nil || v.IntegerMismatches != 0 || v.Images != 24 {
				t.Errorf("verification: %+v", v)
			}
			file := read(t, r.Out, "model.qmodel")
			m, err := qmodel.Read(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(m.Input.ZeroPoints); got != "[124 116 104]" || len(m.Input.ScaleBits) != 3 {
				t.Errorf("the model's images have the zero points %s and the scales %v", got, m.Input.ScaleBits)
			}
		})
	}
}

// TestMeansAreFound has the means of channels found on the training images, and written
// where the run's recipe says how to repeat it.
func TestMeansAreFound(t *testing.T) {
	t.Parallel()
	settings := []string{"model=[{kind: conv, channels: 4, kernel: 3, activation: relu}, {kind: globalavgpool}, {kind: linear}]", "data.channels=3",
		"data.train_limit=64", "data.test_limit=24", "batch=32", "float.epochs=1", "qat.epochs=1"}
	r := small(t, append(settings, "data.mean=auto", "data.deviation=auto")...)
	trained(t, r)
	config := string(read(t, r.Out, "config.yaml"))
	if !strings.Contains(config, "mean: [0.") || strings.Contains(config, "mean: auto") {
		t.Errorf("the recipe of the run says\n%s", config)
	}
	plain := small(t, settings...)
	trained(t, plain) // gray images: what is found for each channel is what is found for all
	if a, b := read(t, r.Out, "model.qmodel"), read(t, plain.Out, "model.qmodel"); string(a) != string(b) {
		t.Error("the model of means that were found is another")
	}
	refused(t, "want one for all or one for each", append(settings, "data.mean=[0.1, 0.2]")...)
	refused(t, "data.mean, data.deviation", append(settings, "data.mean=0.9", "float.epochs=0", "init="+r.Out+"/checkpoint-float.safetensors")...)
	// Codes of fewer bits than 8 would need a table for each channel.
	var log bytes.Buffer
	r = small(t, append(settings, "data.mean=[0.1, 0.2, 0.3]", "qat.first_last=same", "qat.activation_bits=4")...)
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)}); err != nil || !strings.Contains(log.String(), "zero points of their own") {
		t.Errorf("%v\n%s", err, log.String())
	}
}
