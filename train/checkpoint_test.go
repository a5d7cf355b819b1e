// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

// resumable is a loop with a schedule that starts and freezes things, as the
// hooks of a real training set it.
func resumable(t testing.TB, method string, o optim.Optimizer) *train.Loop {
	l := newLoop(t, method, 3)
	l.Optimizer = o
	schedule := qat.Schedule{Start: 0, FreezeObserver: 2, FreezeNorm: 2}
	l.Hooks = []train.Hook{{Name: "schedule", EpochStart: func(l *train.Loop) error {
		l.Pass = schedule.Pass(l.Position.Epoch)
		l.Pass.Seed = 9
		return nil
	}}}
	return l
}

// file returns the bytes of the checkpoint of a loop: everything it is.
func file(t testing.TB, l *train.Loop) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	if err := train.Capture(train.Info{Phase: "qat", Position: l.Position}, l.Network, l.Optimizer).Write(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestResume stops a training after every of its steps; what goes on from the
// checkpoint ends with the bits of the training that was never stopped.
func TestResume(t *testing.T) {
	optimizers := map[string]func() optim.Optimizer{
		"sgd":  func() optim.Optimizer { return &optim.SGD{Momentum: 0.9, Nesterov: true} },
		"adam": func() optim.Optimizer { return &optim.Adam{} },
	}
	for name, optimizer := range optimizers {
		for _, method := range qat.Methods() {
			m := method.Info()
			if name == "adam" && m.Name != "pact" {
				continue
			}
			t.Run(name+", "+m.Name, func(t *testing.T) {
				whole := resumable(t, m.Name, optimizer())
				if err := whole.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				want := file(t, whole)
				for stop := 1; stop <= 12; stop++ {
					if testing.Short() && stop%5 != 0 {
						continue
					}
					path := stopped(t, resumable(t, m.Name, optimizer()), stop)
					c, err := train.ReadCheckpoint(path)
					if err != nil {
						t.Fatal(err)
					}
					l := resumable(t, m.Name, optimizer())
					for _, p := range l.Params { // nothing may come from the new network
						p.Value[0] += 3
					}
					if err := c.Restore(l.Network, l.Optimizer); err != nil {
						t.Fatal(err)
					}
					l.Position = c.Info.Position
					if err := l.Run(context.Background()); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(file(t, l), want) {
						t.Errorf("stopped after step %d, it ends otherwise", stop)
					}
				}
			})
		}
	}
}

// stopped runs a loop for some steps and returns the path of its checkpoint.
func stopped(t *testing.T, l *train.Loop, steps int) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l.Hooks = append(l.Hooks, train.Hook{Step: func(*train.Loop, train.Metrics) error {
		if steps--; steps == 0 {
			cancel()
		}
		return nil
	}})
	if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	path := filepath.Join(t.TempDir(), "last.safetensors")
	if err := train.Capture(train.Info{Position: l.Position}, l.Network, l.Optimizer).Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCheckpointRoundTrip keeps description and numbers, those of Capture's time.
func TestCheckpointRoundTrip(t *testing.T) {
	n := newNetwork(t, "pact")
	weight := values(t, n, "fc2.weight")
	copy(weight, []float32{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32})
	kept := slices.Clone(weight)
	info := train.Info{
		Recipe: "model: {name: tiny}\n# ünïcode\n", Phase: "float", Validation: 0.25, Best: 0.5,
		Position: train.Position{Epoch: 3, Batch: 2, LossSum: 1.0 / 3, Correct: 7, Seen: 16}, Seconds: map[string]float64{"float": 1.5},
	}
	c := train.Capture(info, n, nil)
	clear(weight)
	path := filepath.Join(t.TempDir(), "a.safetensors")
	for range 2 { // over the old one
		if err := c.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := train.ReadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	i := got.Info
	if i.Recipe != info.Recipe || i.Phase != info.Phase || i.Position != info.Position || i.Validation != 0.25 || i.Best != 0.5 || i.Seconds["float"] != 1.5 {
		t.Errorf("description %+v, want %+v", i, info)
	}
	if !slices.Equal(i.Classes, n.Classes) || !reflect.DeepEqual(i.Input, n.Input) || i.Version != 1 {
		t.Errorf("classes %v, input %+v, version %d", i.Classes, i.Input, i.Version)
	}
	other := newNetwork(t, "pact")
	if err := got.Restore(other, nil); err != nil {
		t.Fatal(err)
	}
	for k, v := range values(t, other, "fc2.weight") {
		if math.Float32bits(v) != math.Float32bits(kept[k]) {
			t.Errorf("weight %d is %v, want %v", k, v, kept[k])
		}
	}
}

// TestRestoreRefusesOthers has checkpoints of other networks and optimizers.
func TestRestoreRefusesOthers(t *testing.T) {
	n := newNetwork(t, "pact")
	c := train.Capture(train.Info{}, n, nil)
	if err := c.Restore(newNetwork(t, "int"), nil); err == nil || !strings.Contains(err.Error(), "of another network: it has 0 values for") || !strings.Contains(err.Error(), ".observer") {
		t.Errorf("of another method: error %v", err)
	}
	small, err := layers.Build(layers.Linear{Channels: 3, Name: "fc2"}, layers.Config{
		Input: layers.Input{Height: 2, Width: 2, Channels: 1}, Classes: n.Classes, Batch: 2, Pool: graph.NewPool(1),
		Policy: qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Restore(small, nil); err == nil || !strings.Contains(err.Error(), "it has 24 values for fc2.weight, the network 12") {
		t.Errorf("of another size: error %v", err)
	}
	if err := c.RestoreShared(small); err == nil || !strings.Contains(err.Error(), "it has 24 values for fc2.weight, the network 12") {
		t.Errorf("shared, of another size: error %v", err)
	}
	l := resumable(t, "pact", &optim.Adam{})
	l.Epochs = 1
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	c = train.Capture(train.Info{}, l.Network, l.Optimizer)
	if err := c.Restore(newNetwork(t, "pact"), &optim.SGD{Momentum: 0.9}); err == nil || !strings.Contains(err.Error(), "belongs to no parameter of this model and optimizer") {
		t.Errorf("of another optimizer: error %v", err)
	}
}

// TestRestoreShared takes weights and statistics from a float checkpoint of a
// network that is quantized otherwise, and leaves what the checkpoint lacks.
func TestRestoreShared(t *testing.T) {
	from, to := newNetwork(t, "int"), newNetwork(t, "pact")
	for _, p := range from.Graph.Params() {
		for i := range p.Value {
			p.Value[i] = float32(i) + 0.5
		}
	}
	copy(values(t, from, "conv1.mean"), []float32{4, 3, 2, 1})
	if err := train.Capture(train.Info{}, from, nil).RestoreShared(to); err != nil {
		t.Fatal(err)
	}
	for _, p := range to.Graph.Params() {
		want := float32(0.5)
		if p.Group == graph.Clips {
			want = 6
		}
		if p.Value[0] != want {
			t.Errorf("%s is %v, want %v", p.Name, p.Value[0], want)
		}
	}
	if m := values(t, to, "conv1.mean"); !slices.Equal(m, []float32{4, 3, 2, 1}) {
		t.Errorf("running mean %v", m)
	}
}

// TestCorruptedCheckpoints are errors that name the file and the reason.
func TestCorruptedCheckpoints(t *testing.T) {
	l := resumable(t, "pact", &optim.SGD{Momentum: 0.9})
	good := file(t, l)
	// rewrite returns a sound file with other content.
	rewrite := func(change func(f *safetensors.File)) []byte {
		f, err := safetensors.Read(bytes.NewReader(good), int64(len(good)))
		if err != nil {
			t.Fatal(err)
		}
		change(f)
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	undigested := slices.Clone(good)
	copy(undigested[8+len(`{"__metadata__":{`):], strings.Repeat(" ", len(`"sha256":"",`)+64))
	flipped := slices.Clone(good)
	flipped[len(flipped)-9] ^= 4
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "cut short"},
		"text":          {[]byte("model: lenet\nepochs: 3\n"), "none of this format"},
		"cut in header": {good[:100], "cut short"},
		"cut in data":   {good[:len(good)-4], "cut short"},
		"longer":        {append(slices.Clone(good), 0, 0, 0, 0), "follow the last tensor"},
		"one bit":       {flipped, "SHA-256"},
		"no digest":     {undigested, "it has no digest"},
		"foreign":       {rewrite(func(f *safetensors.File) { f.Metadata = nil }), "not one of goqat's checkpoints"},
		"no JSON":       {rewrite(func(f *safetensors.File) { f.Metadata[0].Value = "{" }), "its description is malformed"},
		"newer":         {rewrite(func(f *safetensors.File) { f.Metadata[0].Value = `{"Version":2}` }), "it has version 2, this program reads version 1"},
		"no version":    {rewrite(func(f *safetensors.File) { f.Metadata[0].Value = `{}` }), "it has version 0"},
		"halves":        {rewrite(func(f *safetensors.File) { f.Tensors[0].DType = "I32" }), "has the type I32, want F32"},
	} {
		path := filepath.Join(t.TempDir(), "bad.safetensors")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := train.ReadCheckpoint(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "train: checkpoint "+path) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := train.ReadCheckpoint(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	if _, err := train.ReadCheckpoint(t.TempDir()); err == nil {
		t.Error("a folder is read")
	}
}
