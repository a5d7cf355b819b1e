// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/diagnose"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quantize"
	"github.com/goqat/goqat/recipe"
)

// small is a network with batch normalization and without.
const small = `model=[
{name: conv1, kind: conv, channels: 8, kernel: 5, stride: 2, pad: 2, norm: true, activation: relu},
{name: conv2, kind: conv, channels: 16, kernel: 3, stride: 2, pad: 1, norm: true, activation: relu},
{name: flat, kind: flatten}, {name: fc1, kind: linear, channels: 48, activation: relu}, {name: fc2, kind: linear}]`

// once trains the network that all tests look at, in its own folder.
var once = sync.OnceValues(func() (*pipeline.Summary, error) {
	r := recipe.Default()
	r.Out = filepath.Join(folder, "run")
	for _, s := range []string{small, "data.train_limit=2500", "data.test_limit=16", "data.augment.crop=0", "batch=32", "float.epochs=5", "qat.epochs=2", "verify.images=16"} {
		if err := r.Set(s); err != nil {
			return nil, err
		}
	}
	return pipeline.Train(ctx, r, pipeline.Options{})
})

// subject returns the trained network quantized to some bits without training, with the
// rules of a policy, and its images.
func subject(t *testing.T, bits int, rules ...recipe.Rule) diagnose.Subject {
	t.Helper()
	pool := graph.NewPool(2)
	t.Cleanup(pool.Close)
	q := recipe.Default().QAT
	q.Method, q.WeightBits, q.ActivationBits, q.FixedRanges, q.Layers = "int", bits, bits, true, rules
	r, err := pipeline.OpenFloat(checkpoint(t, "checkpoint-float.safetensors"), q, 100, pool)
	if err != nil {
		t.Fatal(err)
	}
	images, err := r.Images(t.Context(), recipe.Data{}, r.Recipe.Seed, 600, pipeline.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ptq.Quantize(t.Context(), r.Network, images.Calibration, ptq.Plan{}); err != nil {
		t.Fatal(err)
	}
	return diagnose.Subject{Network: r.Network, Images: images, Commands: diagnose.Commands{Checkpoint: "float.safetensors"}}
}

// checkpoint returns a file of the training.
func checkpoint(t *testing.T, name string) string {
	t.Helper()
	s, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(s.Folder, name)
}

// unit returns a layer of the network.
func unit(s diagnose.Subject, name string) *layers.Unit {
	units := s.Network.Units
	return units[slices.IndexFunc(units, func(u *layers.Unit) bool { return u.Name == name })]
}

// TestBroken breaks the network in one way after the other: the first finding names the
// cause and the place.
func TestBroken(t *testing.T) {
	for _, c := range []struct {
		cause, where string
		rules        []recipe.Rule
		breaks       func(t *testing.T, s *diagnose.Subject)
	}{
		{cause: diagnose.NormStatistics, where: "conv2", breaks: func(_ *testing.T, s *diagnose.Subject) {
			n := unit(*s, "conv2").Norm
			for c := range n.Mean { // as of an earlier network
				n.Mean[c] += float32(n.Sigma(c)) * float32(1-2*(c%2))
				n.Variance[c] *= 3
			}
		}},
		{cause: diagnose.DeadChannels, where: "conv1", breaks: func(_ *testing.T, s *diagnose.Subject) {
			for c := range 4 {
				unit(*s, "conv1").Norm.Beta.Value[c] = -100
			}
		}},
		{cause: diagnose.NarrowClip, where: "fc1", breaks: func(_ *testing.T, s *diagnose.Subject) {
			quantizer(*s, "fc1").SetRange(0, 1e-4)
		}},
		{cause: diagnose.HugeWeight, where: "fc1", breaks: func(_ *testing.T, s *diagnose.Subject) {
			unit(*s, "fc1").Weight.Value[100] = 20
		}},
		{cause: diagnose.ConstantChannel, where: "fc1", breaks: func(_ *testing.T, s *diagnose.Subject) {
			u := unit(*s, "fc1")
			size := len(u.Weight.Value) / u.Channels
			clear(u.Weight.Value[5*size : 6*size])
			u.Bias.Value[5] = 0.7
		}},
		{cause: diagnose.InputScale, breaks: func(_ *testing.T, s *diagnose.Subject) {
			s.Network.Input.Scale *= 255
		}},
		{cause: diagnose.Unbalanced, where: "Shirt", breaks: func(_ *testing.T, s *diagnose.Subject) {
			var kept []int
			for i, l := range s.Images.Calibration.Labels {
				if s.Network.Classes[l] != "Shirt" {
					kept = append(kept, i)
				}
			}
			s.Images.Calibration = s.Images.Calibration.Subset(kept)
		}},
		{cause: diagnose.FewBits, where: "conv2", rules: []recipe.Rule{{Match: "conv2", Weights: "binaryconnect", WeightBits: 1}}},
		{cause: diagnose.ConstantImages, where: "Bag", breaks: func(_ *testing.T, s *diagnose.Subject) {
			blank(s.Images.Calibration, index(s.Network.Classes, "Bag"))
			blank(s.Images.Validation, index(s.Network.Classes, "Bag"))
		}},
		{cause: diagnose.WideClip, where: "fc1", breaks: func(_ *testing.T, s *diagnose.Subject) {
			quantizer(*s, "fc1").SetRange(0, 1e4)
		}},
		{cause: diagnose.NotFinite, where: "conv2.weight", breaks: func(_ *testing.T, s *diagnose.Subject) {
			w := unit(*s, "conv2").Weight.Value
			w[3] /= 0 * w[3]
		}},
		{cause: diagnose.OneClass, where: "Dress", breaks: func(_ *testing.T, s *diagnose.Subject) {
			unit(*s, "fc2").Bias.Value[index(s.Network.Classes, "Dress")] = 1e3
		}},
	} {
		t.Run(c.cause, func(t *testing.T) {
			s := subject(t, 8, c.rules...)
			if c.breaks != nil {
				c.breaks(t, &s)
			}
			r, err := diagnose.Examine(t.Context(), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Findings) == 0 {
				t.Fatalf("nothing found: %+v", r)
			}
			f := r.Findings[0]
			if f.Cause != c.cause || f.Where != c.where || len(f.Evidence) == 0 || r.Next != f.Do || !strings.HasPrefix(r.Next, "qat ") {
				t.Errorf("found first\n%+v\nwant %s at %s; all:\n%s", f, c.cause, c.where, list(r))
			}
			for _, f := range r.Findings {
				settings(t, f.Do)
			}
		})
	}
}

// settings wants what a command sets to be settings of a recipe.
func settings(t *testing.T, command string) {
	t.Helper()
	r := recipe.Default()
	for _, s := range strings.Split(command, " --set ")[1:] {
		if err := r.Set(strings.Trim(s, "'")); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	if err := r.Validate(); err != nil {
		t.Errorf("%s: %v", command, err)
	}
}

func list(r *diagnose.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s at %s: %s\n", f.Cause, f.Where, f.Says)
	}
	return b.String()
}

func index(classes []string, name string) int { return slices.Index(classes, name) }

// blank makes the images of a class black.
func blank(s datasets.Split, class int) {
	size := len(s.Images) / s.Len()
	for i, l := range s.Labels {
		if int(l) == class {
			clear(s.Images[i*size : (i+1)*size])
		}
	}
}

// TestConsequences finds causes that come with others, which count before them.
func TestConsequences(t *testing.T) {
	s := subject(t, 8)
	clear(unit(s, "fc2").Weight.Value)
	unit(s, "fc1").Quantizer.(qat.Scaled).Scales()[7] = 1e-12
	r, err := diagnose.Examine(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range []string{diagnose.TinyScale, diagnose.OneClass, diagnose.Untrained} {
		if !slices.ContainsFunc(r.Findings, func(f diagnose.Finding) bool { return f.Cause == cause }) {
			t.Errorf("no %s in\n%s", cause, list(r))
		}
	}
}

// TestHealthy finds nothing wrong with the network, at 8 and at 4 bits, and leaves it as
// it was: trained in 4 bits, and quantized without training.
func TestHealthy(t *testing.T) {
	for _, bits := range []int{8, 4} {
		s := subject(t, bits)
		for range 2 {
			r, err := diagnose.Examine(t.Context(), s, nil)
			if err != nil || len(r.Findings) > 0 || r.Next != "qat eval float.safetensors" || r.Accuracy.Float < 0.7 {
				t.Errorf("%d bits: %+v, %v\n%s", bits, r.Accuracy, err, list(r))
			}
		}
	}
	how := quantize.Settings{Threads: 2, Images: 600, Granularity: "per_channel", FirstLast: "8", WeightBits: 8, ActivationBits: 8, Numbers: calibrate.Options{Percentile: 99.99, Deviations: 3}}
	for _, name := range []string{"checkpoint-best.safetensors", "checkpoint-float.safetensors"} {
		stages := 0
		how.Reading.On = func(e pipeline.Event) {
			if _, ok := e.(pipeline.Progress); ok {
				stages++
			}
		}
		r, err := diagnose.Run(t.Context(), diagnose.Options{Checkpoint: checkpoint(t, name), Settings: how, Measure: 200})
		if err != nil || len(r.Findings) > 0 || r.Images != 200 || stages == 0 || len(r.Layers) < 4 {
			t.Errorf("%s: %+v, %v\n%s", name, r, err, list(r))
		}
	}
}
