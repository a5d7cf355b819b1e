// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
)

// TestRandomRecipes draws networks and how they are quantized, trains each for a few steps, exports and verifies it: no
// integer differs, and the accuracies of train are those of eval. What is refused is refused before the first step.
func TestRandomRecipes(t *testing.T) {
	root := t.TempDir()
	data := filepath.Join(root, "shapes")
	for i, part := range []string{"train", "test"} {
		if err := writeShapes(filepath.Join(data, part), 16, uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(200, 1))
	var done, disagree, refused, without, diverged int
	methods := map[string]int{}
	for done < randomRecipes {
		r := drawRecipe(rng, data)
		r.Out = filepath.Join(root, "run")
		file := filepath.Join(root, "recipe.yaml")
		if err := os.WriteFile(file, r.YAML(), 0o644); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := execute(t, "train", file, "--json")
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		last := lines[len(lines)-1]
		switch {
		case code != command.Done && (strings.Contains(last, "not a number") || strings.Contains(last, "not finite") || strings.Contains(last, "diverged")):
			t.Logf("diverged: %s", last)
			diverged++
		case code != command.Done:
			if _, err := os.Stat(filepath.Join(r.Out, "metrics.jsonl")); err == nil || !strings.HasPrefix(last, "qat: ") || strings.Contains(last, "panic") {
				t.Fatalf("exit %d after the first step: %s\n%s", code, stderr, r.YAML())
			}
			t.Logf("refused: %s", last)
			refused++
		default:
			s := decode[pipeline.Summary](t, stdout)
			if s.Verify != nil {
				done++
				methods[r.QAT.Method]++
				sameAsEval(t, r, s)
				if s.Verify.Warning() != "" {
					disagree++
					t.Logf("%d images with other top classes: %s, %d and %d bits, accuracy %v", int(float64(s.Verify.Images)*(1-s.Verify.FakequantTop1Agreement)+0.5),
						r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits, *s.Accuracy.Integer)
				}
				break
			}
			if !strings.Contains(stderr, "note: ") {
				t.Fatalf("no model, and nothing said: %s\n%s", stderr, r.YAML())
			}
			t.Logf("without a model: %s", stderr)
			without++
		}
		if t.Failed() {
			t.Fatalf("with the recipe\n%s", r.YAML())
		}
		if err := os.RemoveAll(r.Out); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d recipes verified, of %v, in %d of them fewer top classes agree with floating point than the warning asks for", done, methods, disagree)
	t.Logf("%d more refused, %d trained without a model, %d diverged", refused, without, diverged)
	if refused+without+diverged > 1+randomRecipes/2 {
		t.Error("too many recipes have no model")
	}
}

// sameAsEval compares the summary of a run with what verify and eval say of its files.
func sameAsEval(t *testing.T, r *recipe.Recipe, s pipeline.Summary) {
	t.Helper()
	if s.Verify.IntegerMismatches != 0 || s.Verify.Images != s.TestImages {
		t.Errorf("verification: %+v", *s.Verify)
	}
	model, checkpoint := filepath.Join(r.Out, "model.qmodel"), filepath.Join(r.Out, "checkpoint-best.safetensors")
	mustRun(t, "verify", checkpoint, model)
	var integer, fake evaluate.Evaluation
	for path, o := range map[string]*evaluate.Evaluation{model: &integer, checkpoint: &fake} {
		if err := json.Unmarshal([]byte(mustRun(t, "eval", path, "--data", r.Data.Name, "--json")), o); err != nil {
			t.Fatal(err)
		}
	}
	if integer.Images != s.TestImages || *integer.Accuracy.Integer != *s.Accuracy.Integer {
		t.Errorf("eval of the model: %v of %d images, train said %v of %d", *integer.Accuracy.Integer, integer.Images, *s.Accuracy.Integer, s.TestImages)
	}
	if fake.Images != s.TestImages || *fake.Accuracy.Fakequant != *s.Accuracy.Fakequant {
		t.Errorf("eval of the checkpoint: %v of %d images, train said %v of %d", *fake.Accuracy.Fakequant, fake.Images, *s.Accuracy.Fakequant, s.TestImages)
	}
}

// drawRecipe returns a recipe for a few steps on the images in a folder: a network of any layers or one by name, in any
// of the ways to quantize it.
func drawRecipe(rng *rand.Rand, data string) *recipe.Recipe {
	r := recipe.Default()
	r.Data.Name, r.Batch, r.Seed, r.Threads = data, 4+rng.IntN(13), rng.IntN(1000), 1+rng.IntN(2)
	d := drawer{rng: rng, h: 3 + rng.IntN(18), w: 3 + rng.IntN(18), c: 1 + 2*rng.IntN(2)}
	r.Data.Height, r.Data.Width, r.Data.Channels = d.h, d.w, d.c
	if rng.IntN(5) == 0 {
		name := pick(rng, layers.Names()...)
		r.Model = recipe.Model{Name: name, Width: 0.05 + 0.1*rng.Float64()}
		r.Data.Height, r.Data.Width, _ = layers.DefaultInput(name)
		d.weighted = []string{"1*"}
	} else {
		r.Model = recipe.Model{Name: "drawn", Width: 1, Layers: d.network()}
	}
	r.Float.Epochs, r.QAT.Epochs = rng.IntN(2), 1+rng.IntN(3)
	for _, p := range []*recipe.Phase{&r.Float, &r.QAT.Phase} {
		p.Optimizer, p.LR = pick(rng, "sgd", "adam", "adamw"), 0.001+0.01*rng.Float64()
		p.Schedule, p.Milestones = pick(rng, "constant", "cosine"), nil
	}
	r.Loss = pick(rng, "cross_entropy", "cross_entropy", "squared_hinge")
	d.quantize(&r.QAT)
	return r
}

// quantize draws how a network is quantized.
func (d *drawer) quantize(q *recipe.QAT) {
	rng := d.rng
	bits := func(list []int) int { return pick(rng, list...) }
	method := pick(rng, qat.Methods()...).Info()
	q.Method, q.WeightBits, q.ActivationBits = method.Name, bits(method.WeightBits), bits(method.ActivationBits)
	q.FirstLast, q.Granularity = pick(rng, "8", "8", "same"), pick(rng, "per_channel", "per_channel", "per_tensor")
	q.Observer, q.ObserverFreeze = pick(rng, "minmax", "moving_average"), rng.Float64()
	q.BatchNormFreeze = rng.IntN(2)
	if rng.IntN(6) == 0 || q.Method == "int" && rng.IntN(2) == 0 {
		q.Scales = "pow2"
	}
	if rng.IntN(6) == 0 {
		q.GradientBits = 4 + rng.IntN(5)
	}
	if rng.IntN(6) == 0 {
		other := pick(rng, qat.Methods()...).Info()
		q.Weights, q.WeightBits = other.Name, bits(other.WeightBits)
	}
	if len(d.weighted) > 0 && rng.IntN(4) == 0 {
		other := pick(rng, qat.Methods()...).Info()
		q.Layers = []recipe.Rule{{Match: "*" + pick(rng, d.weighted...), Method: other.Name, WeightBits: bits(other.WeightBits), ActivationBits: bits(other.ActivationBits)}}
	}
	if q.Epochs == 3 && slices.Contains([]string{"int", "pact", "lsq"}, q.Method) && rng.IntN(2) == 0 {
		q.Stages = []recipe.Stage{{Epochs: 1, WeightBits: 8, ActivationBits: 8}, {Epochs: 1, WeightBits: 6}}
	}
	if q.Weights == "" && q.Layers == nil {
		d.fewBits(q, method)
	}
}

// fewBits draws what helps at few bits, of what a method has.
func (d *drawer) fewBits(q *recipe.QAT, method qat.Info) {
	rng := d.rng
	if rng.IntN(3) == 0 {
		q.BatchNormReestimate = 1 + rng.IntN(20)
	}
	if method.EWGS && q.WeightBits > 1 && rng.IntN(3) == 0 {
		q.EWGS = 2 * rng.Float64()
	}
	if method.Steady && q.WeightBits <= qat.OscillatingBits && rng.IntN(2) == 0 {
		q.Dampen, q.FreezeOscillating = rng.Float64(), 0.3*rng.Float64()
	}
	if method.Name == "lsq" {
		q.Start = pick(rng, "mean", "mse")
	}
}

// A drawer draws the layers of a network one after the other.
type drawer struct {
	rng      *rand.Rand
	h, w, c  int      // of the tensor so far
	names    int      // given so far
	weighted []string // how names of layers with weights end
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

func (d *drawer) name(kind string) string {
	d.names++
	return fmt.Sprintf("%s%d", kind, d.names)
}

// network draws a whole network.
func (d *drawer) network() []recipe.Layer {
	var list []recipe.Layer
	for range 1 + d.rng.IntN(5) {
		list = append(list, d.block()...)
	}
	switch d.rng.IntN(3) {
	case 0:
		list = append(list, recipe.Layer{Kind: "globalavgpool"})
	case 1:
		list = append(list, recipe.Layer{Kind: "flatten"}, d.linear(), recipe.Layer{Kind: "dropout", Rate: 0.2})
	default:
		list = append(list, recipe.Layer{Kind: "flatten"})
	}
	return append(list, recipe.Layer{Kind: "linear", Name: "classes"})
}

func (d *drawer) linear() recipe.Layer {
	l := recipe.Layer{Kind: "linear", Name: d.name("linear"), Channels: 1 + d.rng.IntN(20), Norm: d.rng.IntN(2) == 0, Activation: pick(d.rng, "relu", "relu6", "none")}
	d.weighted = append(d.weighted, l.Name)
	return l
}

// block draws a layer, a residual block or branches that an add joins.
func (d *drawer) block() []recipe.Layer {
	switch d.rng.IntN(8) {
	case 0:
		return []recipe.Layer{d.pool()}
	case 1:
		body := []recipe.Layer{d.same(d.c), d.same(d.c)}
		return []recipe.Layer{{Kind: "residual", Name: d.name("residual"), Activation: pick(d.rng, "relu", "none"), Body: body}}
	case 2: // with a shortcut that changes the shape
		c, stride := 1+d.rng.IntN(20), recipe.Pair{1 + d.rng.IntN(2), 1 + d.rng.IntN(2)}
		first, shortcut := d.same(c), d.same(c)
		first.Stride, shortcut.Stride, shortcut.Kernel, shortcut.Activation = stride, stride, recipe.Pair{1, 1}, "none"
		d.h, d.w, d.c = ceil(d.h, stride[0]), ceil(d.w, stride[1]), c
		return []recipe.Layer{{Kind: "residual", Name: d.name("residual"), Activation: "relu", Body: []recipe.Layer{first, d.same(c)}, Shortcut: []recipe.Layer{shortcut}}}
	case 3:
		stem := d.same(1 + d.rng.IntN(20))
		left, right := d.same(stem.Channels), d.same(stem.Channels)
		right.Inputs = []string{stem.Name}
		join := recipe.Layer{Kind: pick(d.rng, "add", "concat"), Inputs: []string{left.Name, right.Name, stem.Name}[:2+d.rng.IntN(2)]}
		join.Name, d.c = d.name(join.Kind), stem.Channels
		if join.Kind == "add" {
			join.Activation = pick(d.rng, "relu", "none")
		} else {
			d.c *= len(join.Inputs)
		}
		return []recipe.Layer{stem, left, right, join}
	case 4:
		l := d.window(recipe.Layer{Kind: "depthwise", Name: d.name("depthwise")})
		d.weighted = append(d.weighted, l.Name)
		return []recipe.Layer{l}
	default:
		l := recipe.Layer{Kind: "conv", Name: d.name("conv"), Channels: 1 + d.rng.IntN(24)}
		if groups := pick(d.rng, 1, 1, d.c, 2); d.c%groups == 0 {
			l.Groups, l.Channels = groups, groups*(1+l.Channels/groups)
		}
		l = d.window(l)
		d.c = l.Channels
		d.weighted = append(d.weighted, l.Name)
		return []recipe.Layer{l}
	}
}

func ceil(n, by int) int { return (n + by - 1) / by }

// same draws a convolution that keeps height and width.
func (d *drawer) same(channels int) recipe.Layer {
	l := recipe.Layer{
		Kind: "conv", Name: d.name("conv"), Channels: channels, Kernel: pick(d.rng, recipe.Pair{3, 3}, recipe.Pair{1, 1}, recipe.Pair{1, 3}), Pad: recipe.Pad{Same: true},
		Norm: d.rng.IntN(3) > 0, Activation: pick(d.rng, "relu", "relu6", "none"),
	}
	d.weighted = append(d.weighted, l.Name)
	return l
}

// window draws the window and the end of a convolution, within the image.
func (d *drawer) window(l recipe.Layer) recipe.Layer {
	l.Norm, l.Activation = d.rng.IntN(3) > 0, pick(d.rng, "relu", "relu6", "none")
	l.Kernel, l.Stride, l.Dilation, l.Pad = recipe.Pair{1, 1}, recipe.Pair{1, 1}, recipe.Pair{1, 1}, recipe.Pad{Same: d.rng.IntN(3) == 0}
	for side, size := range []*int{&d.h, &d.w} {
		l.Kernel[side], l.Stride[side] = 1+d.rng.IntN(min(5, *size)), 1+d.rng.IntN(3)
		if reach := 2*l.Kernel[side] - 1; reach <= *size && d.rng.IntN(4) == 0 {
			l.Dilation[side] = 2
		}
		reach := l.Dilation[side]*(l.Kernel[side]-1) + 1
		if l.Pad.Same {
			*size = ceil(*size, l.Stride[side])
			continue
		}
		before, after := d.rng.IntN(l.Kernel[side]), d.rng.IntN(l.Kernel[side])
		l.Pad.Sides[side], l.Pad.Sides[side+2] = before, after
		*size = (*size+before+after-reach)/l.Stride[side] + 1
	}
	return l
}

// pool draws a pooling.
func (d *drawer) pool() recipe.Layer {
	l := recipe.Layer{Kind: pick(d.rng, "maxpool", "avgpool"), Name: d.name("pool"), Stride: recipe.Pair{1, 1}}
	l.CountPad = l.Kind == "avgpool" && d.rng.IntN(2) == 0
	for side, size := range []*int{&d.h, &d.w} {
		l.Size[side], l.Stride[side] = 1+d.rng.IntN(min(3, *size)), 1+d.rng.IntN(2)
		if d.rng.IntN(3) == 0 {
			before, after := d.rng.IntN(l.Size[side]), d.rng.IntN(l.Size[side])
			l.Pad.Sides[side], l.Pad.Sides[side+2] = before, after
			*size += before + after
		}
		*size = (*size-l.Size[side])/l.Stride[side] + 1
	}
	return l
}
