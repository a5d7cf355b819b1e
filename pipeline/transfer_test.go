// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
)

// body is a network with batch normalization that ends in global pooling, so that it
// fits images of any size.
const body = "model=[{kind: conv, name: stem, channels: 8, kernel: 3, pad: 1, stride: 2, norm: true, activation: relu}, " +
	"{kind: conv, name: deep, channels: 8, kernel: 3, pad: 1, stride: 2, norm: true, activation: relu}, {kind: globalavgpool}, {kind: linear, name: head}]"

// opened builds the network of a run's checkpoint.
func opened(t *testing.T, folder, file string) *layers.Network {
	t.Helper()
	pool := kernel.NewPool(1)
	t.Cleanup(pool.Close)
	r, err := pipeline.Open(filepath.Join(folder, file), 4, pool)
	if err != nil {
		t.Fatal(err)
	}
	return r.Network
}

// values returns all parameters and statistics of a layer.
func values(n *layers.Network, layer string) (all []float32) {
	for _, p := range n.Graph.Params() {
		if strings.HasPrefix(p.Name, layer+".") {
			all = append(all, p.Value...)
		}
	}
	for _, u := range n.Units {
		if u.Name == layer && u.Norm != nil {
			all = append(append(all, u.Norm.Mean...), u.Norm.Variance...)
		}
	}
	return all
}

// TestTransfer takes a network of ten classes of clothes to images of other sizes and
// classes: the last layer begins anew, frozen layers keep every bit in the float phase,
// the others do not, and the integers agree.
func TestTransfer(t *testing.T) {
	source := trained(t, small(t, body)).Folder
	float := filepath.Join(source, "checkpoint-float.safetensors")
	var log strings.Builder
	r := small(t, body, "data.name="+uneven(t), "data.train_limit=0", "data.test_limit=0", "batch=16", "init="+float,
		"transfer={head: new, freeze: [stem], body_rate: 0.5}")
	s, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(&log)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the last layer, head, begins anew for 3 classes", "1 of 3 layers stay as they are in the float phase: stem"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	before, after := opened(t, source, "checkpoint-float.safetensors"), opened(t, s.Folder, "checkpoint-float.safetensors")
	if !slices.Equal(values(before, "stem"), values(after, "stem")) {
		t.Error("the frozen layer is changed")
	}
	if slices.Equal(values(before, "deep"), values(after, "deep")) {
		t.Error("the layer that is trained is not changed")
	}
	quantized := opened(t, s.Folder, "checkpoint-best.safetensors")
	if slices.Equal(values(after, "stem"), values(quantized, "stem")) {
		t.Error("the quantized phase does not train the layer that was frozen")
	}
	if s.Verify.IntegerMismatches != 0 || s.Accuracy.Float == nil {
		t.Errorf("%+v", s)
	}
}

// TestTransferResumes interrupts a transfer in both phases.
func TestTransferResumes(t *testing.T) {
	float := filepath.Join(trained(t, small(t, body, "qat.epochs=0")).Folder, "checkpoint-float.safetensors")
	settings := []string{
		body, "data.name=" + uneven(t), "data.train_limit=0", "data.test_limit=0", "batch=16", "init=" + float,
		"transfer={head: new, freeze: [stem], body_rate: 0.5}",
	}
	for _, epoch := range []string{"float 1/2", "qat 1/2"} {
		checkInterrupt(t, epoch, settings)
	}
}

// TestTransferRefuses says what does not fit before there is a run folder.
func TestTransferRefuses(t *testing.T) {
	float := filepath.Join(trained(t, small(t, body, "qat.epochs=0")).Folder, "checkpoint-float.safetensors")
	data := uneven(t)
	other := strings.ReplaceAll(body, "channels: 8", "channels: 9")
	clothes := []string{"data.name=fashion-sample", "data.train_limit=640"}
	for name, c := range map[string]struct {
		settings []string
		want     string
	}{
		"other classes":      {[]string{body}, "is of images of 28x28x1"},
		"other classes only": {[]string{body, "data.height=28", "data.width=28"}, "begin its last layer anew by transfer.head=new"},
		"classes kept":       {[]string{body, "transfer.head=keep"}, "knows 10 classes"},
		"another width":      {[]string{other, "transfer.head=new"}, "stem.weight"},
		"its own width":      {append(slices.Clone(clothes), other), "stem.weight"},
		"no such layer":      {[]string{body, "transfer={head: new, freeze: [conv*]}"}, `"conv*" matches no layer`},
		"the new head":       {[]string{body, "transfer={head: new, freeze: [head]}"}, "which begins anew"},
		"everything":         {append(slices.Clone(clothes), body, "transfer={head: keep, freeze: ['*']}"), "nothing to train"},
		"no float phase":     {[]string{body, "transfer.head=new", "float.epochs=0"}, "float.epochs is 0"},
		"nothing to be kept": {[]string{body, "transfer.freeze=[stem]"}, "transfer.head"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := append([]string{"data.name=" + data, "data.train_limit=0", "data.test_limit=0", "init=" + float}, c.settings...)
			r := small(t, settings...)
			_, err := pipeline.Train(t.Context(), r, pipeline.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if _, err := os.Stat(r.Out); err == nil {
				t.Error("a run folder is made all the same")
			}
		})
	}
}

// TestTrainedLonger goes on with a finished run for more epochs: its epochs stay, the
// others follow, and the model verifies. Fewer epochs are refused.
func TestTrainedLonger(t *testing.T) {
	folder := trained(t, small(t, body)).Folder
	before := read(t, folder, "checkpoint-last.safetensors")
	longer := func(epochs int) (*pipeline.Summary, error) {
		r, err := pipeline.LoadRun(folder)
		if err != nil {
			t.Fatal(err)
		}
		return pipeline.Train(t.Context(), r, pipeline.Options{Resume: true, Epochs: epochs})
	}
	if _, err := longer(2); err == nil || !strings.Contains(err.Error(), "no fewer than the 2 asked for") {
		t.Errorf("%v, want that 2 epochs are not more", err)
	}
	s, err := longer(5)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(read(t, folder, "metrics.jsonl"), []byte("\n")); lines != 2+5 {
		t.Errorf("%d epochs are recorded, want 2 of the float phase and 5", lines)
	}
	if s.Verify.IntegerMismatches != 0 || bytes.Equal(before, read(t, folder, "checkpoint-last.safetensors")) {
		t.Error("nothing is trained, or the model does not agree")
	}
	if r, err := pipeline.LoadRun(folder); err != nil || r.QAT.Epochs != 5 {
		t.Errorf("config.yaml has %d epochs, %v", r.QAT.Epochs, err)
	}
}

// TestTrainedLongerAfterAKill copies the folder of a run that is trained longer before it saves, as a
// kill would leave it: it is not done any more, and goes on to the model of the one that nobody killed.
func TestTrainedLongerAfterAKill(t *testing.T) {
	folder, killed := trained(t, small(t, body)).Folder, filepath.Join(t.TempDir(), "killed")
	r, err := pipeline.LoadRun(folder)
	if err != nil {
		t.Fatal(err)
	}
	copied := errors.New("not yet")
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{Resume: true, Epochs: 4, On: func(e pipeline.Event) {
		if _, ok := e.(pipeline.Step); ok && copied != nil {
			copied = os.CopyFS(killed, os.DirFS(folder))
		}
	}}); err != nil || copied != nil {
		t.Fatal(err, copied)
	}
	if record, err := pipeline.ReadRecord(killed); err != nil || record.Summary != nil || record.Recipe.QAT.Epochs != 4 {
		t.Errorf("%v; the summary of the shorter run stands for the longer one: %+v", err, record)
	}
	if _, err := resume(t, killed, false); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, folder, "model.qmodel"), read(t, killed, "model.qmodel")) {
		t.Error("the run that was killed has another model")
	}
}
