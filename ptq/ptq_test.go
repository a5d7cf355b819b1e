// SPDX-License-Identifier: Apache-2.0

package ptq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat"
)

// residual is a network with everything that ptq looks at: batch normalization, a
// bias, a depthwise layer, a residual block with a shortcut, poolings.
func residual(t *testing.T, batch int, policy qat.Policy) *layers.Network {
	t.Helper()
	pool := graph.NewPool(2)
	t.Cleanup(pool.Close)
	n, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Conv2D{Depthwise: true, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Conv2D{Channels: 8, Kernel: 1, NoNorm: true, Activation: network.ReLU},
		layers.MaxPool{Size: 2},
		layers.Residual{Activation: network.ReLU, Body: layers.Chain{
			layers.Conv2D{Channels: 10, Kernel: 3, Stride: 2, Pad: 1, Activation: network.ReLU}, layers.Conv2D{Channels: 10, Kernel: 3, Pad: 1},
		}},
		layers.Residual{Activation: network.ReLU, Body: layers.Conv2D{Channels: 10, Kernel: 3, Pad: 1}},
		layers.GlobalAvgPool{}, layers.Linear{Channels: 12, Activation: network.ReLU}, layers.Dropout{Rate: 0.1}, layers.Linear{Channels: 3},
	}, layers.Config{
		Input: layers.Input{Height: 12, Width: 10, Channels: 2, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b", "c"},
		Batch: batch, Pool: pool, Policy: policy,
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, u := range n.Units {
		if u.Norm != nil {
			for c := range u.Norm.Mean {
				u.Norm.Gamma.Value[c] = float32(math.Exp(0.7 * rng.NormFloat64()))
				u.Norm.Beta.Value[c] = float32(0.3 * rng.NormFloat64())
			}
		}
	}
	settle(t, n)
	return n
}

// settle has the running statistics of batch normalization become those of images.
func settle(t *testing.T, n *layers.Network) {
	t.Helper()
	s := images(n.Graph.Batch())
	for range 60 {
		if _, err := n.Step(graph.Pass{Mode: graph.Train}, s.Images, s.Labels); err != nil {
			t.Fatal(err)
		}
	}
}

func images(count int) datasets.Split {
	rng := rand.New(rand.NewPCG(7, 8))
	s := datasets.Split{Images: make([]uint8, count*12*10*2), Labels: make([]int32, count)}
	for i := range s.Labels {
		s.Labels[i] = int32(rng.IntN(3))
		level := rng.IntN(200)
		for j := range 240 {
			s.Images[i*240+j] = uint8(level + rng.IntN(56))
		}
	}
	return s
}

func fixed(bits int) qat.Policy {
	return qat.Policy{Method: qat.Int{FixedRanges: true}, WeightBits: bits, ActivationBits: bits, FirstLast: qat.FirstLastSame}
}

// TestQuantizedWithoutTrainingAgreesInEveryInteger quantizes by every rule, with all
// repairs, at several widths: the runtime computes the integers of the graph, and 8
// bits are near the float network.
func TestQuantizedWithoutTrainingAgreesInEveryInteger(t *testing.T) {
	s := images(32)
	for i, rule := range calibrate.Rules() {
		for _, bits := range []int{8, 4} {
			for _, perTensor := range []bool{false, true}[:1+i%2] {
				p := fixed(bits)
				p.PerTensor = perTensor
				n := residual(t, 16, p)
				var plan ptq.Plan
				plan.Rule, plan.Repair = rule.Name, ptq.Repairs()
				if rule.Name != calibrate.Default { // fitting clips takes most of the time
					plan.Repair = slices.DeleteFunc(plan.Repair, func(r string) bool { return r == ptq.RepairClips })
				}
				o, err := ptq.Quantize(t.Context(), n, s, plan)
				if err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprintf("%s, %d bits, per tensor %v", rule.Name, bits, perTensor)
				if first := o.Steps[0].SNRdB; bits == 8 && rule.Name == "mse" && first < 20 {
					t.Errorf("%s: %v dB", name, first)
				}
				var file bytes.Buffer
				if err := export.Write(&file, n, export.About{Method: "int"}); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				m, err := infer.FromBytes(file.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				if v, err := export.Verify(t.Context(), n, m, s, 1, nil); err != nil || v.IntegerMismatches != 0 {
					t.Errorf("%s: %+v, %v", name, v, err)
				}
			}
		}
	}
}

// TestRangesDoNotDependOnBatches calibrates in batches of three sizes.
func TestRangesDoNotDependOnBatches(t *testing.T) {
	s := images(50)
	for _, rule := range calibrate.Rules() {
		var want []ptq.Tensor
		for _, batch := range []int{1, 7, 50} {
			n := residual(t, batch, fixed(8))
			for _, u := range n.Units { // the same network, whatever the batch
				if u.Norm != nil {
					clear(u.Norm.Mean)
					for c := range u.Norm.Variance {
						u.Norm.Variance[c] = 1
					}
				}
			}
			got, err := ptq.Ranges(t.Context(), n, s, ptq.Options{Rule: rule.Name})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, batches of %d: %v, want %v", rule.Name, batch, got, want)
			}
		}
	}
}

// TestEqualizeKeepsTheFloatNetwork: the logits stay, up to rounding, and some
// channels have changed.
func TestEqualizeKeepsTheFloatNetwork(t *testing.T) {
	n, s := residual(t, 10, fixed(8)), images(30)
	before, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	gamma := slices.Clone(n.Units[0].Norm.Gamma.Value)
	pairs, err := ptq.Equalize(t.Context(), n, s, nil)
	if err != nil || pairs < 4 || slices.Equal(gamma, n.Units[0].Norm.Gamma.Value) {
		t.Errorf("%d pairs, gammas %v and %v, %v", pairs, gamma, n.Units[0].Norm.Gamma.Value, err)
	}
	after, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if math.Abs(float64(after[i]-before[i])) > 1e-4*(1+math.Abs(float64(before[i]))) {
			t.Fatalf("logit %d: %v, was %v", i, after[i], before[i])
		}
	}
}

// TestEqualizeEvensChannelsOfOneScale: where weights share a scale and are normalized, all
// channels come to the same greatest weight, and the float network computes what it did.
func TestEqualizeEvensChannelsOfOneScale(t *testing.T) {
	p := fixed(4)
	p.PerTensor = true
	n, s := residual(t, 10, p), images(30)
	first := n.Units[slices.IndexFunc(n.Units, func(u *layers.Unit) bool { return u.Kind.Weighted() })]
	size := len(first.Weight.Value) / first.Channels
	for i := range first.Weight.Value[:size] { // a channel far below the others, and one of zeros
		first.Weight.Value[i] *= 1e-3
		first.Weight.Value[size+i] = 0
	}
	settle(t, n)
	before, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ptq.Equalize(t.Context(), n, s, nil); err != nil {
		t.Fatal(err)
	}
	for _, u := range n.Units {
		if !u.Kind.Weighted() || u.Norm == nil {
			continue
		}
		size, most := len(u.Weight.Value)/u.Channels, float32(0)
		for c := range u.Channels {
			w := u.Weight.Value[c*size : (c+1)*size]
			own := max(-slices.Min(w), slices.Max(w))
			if most = max(most, own); own != 0 && math.Abs(float64(own/most-1)) > 1e-5 {
				t.Errorf("%s: channel %d has weights up to %v, another %v", u.Name, c, own, most)
			}
		}
	}
	after, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if math.Abs(float64(after[i]-before[i])) > 1e-3*(1+math.Abs(float64(before[i]))) {
			t.Fatalf("logit %d: %v, was %v", i, after[i], before[i])
		}
	}
}

// TestFitRangesNarrowsWideRanges: ranges far too wide lose most of what they cost, and what
// is told of the tensors is what they have.
func TestFitRangesNarrowsWideRanges(t *testing.T) {
	s := images(40)
	n := residual(t, 10, fixed(4))
	want, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	n.Start()
	if err := ptq.Weights(n, "mse", calibrate.Options{}); err != nil {
		t.Fatal(err)
	}
	tensors, err := ptq.Ranges(t.Context(), n, s, ptq.Options{})
	if err != nil {
		t.Fatal(err)
	}
	distance := func() (sum float64) {
		got, err := ptq.Logits(t.Context(), n, s, graph.Pass{Quantize: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			sum += float64(v-want[i]) * float64(v-want[i])
		}
		return sum
	}
	for i := range tensors {
		tensors[i].Lo, tensors[i].Hi = 4*tensors[i].Lo, 4*tensors[i].Hi
	}
	for _, u := range n.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok {
			at := slices.IndexFunc(tensors, func(t ptq.Tensor) bool { return t.Name == u.Name })
			q.SetRange(float32(tensors[at].Lo), float32(tensors[at].Hi))
		}
	}
	wide := distance()
	if err := ptq.FitRanges(t.Context(), n, s, want, tensors, nil); err != nil {
		t.Fatal(err)
	}
	if fitted := distance(); fitted > wide/3 {
		t.Errorf("%v, was %v", fitted, wide)
	}
	for _, u := range n.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok {
			at := slices.IndexFunc(tensors, func(t ptq.Tensor) bool { return t.Name == u.Name })
			scale := (tensors[at].Hi - tensors[at].Lo) / 15
			if got := float64(q.Quantization().Scale); math.Abs(got/scale-1) > 1e-5 {
				t.Errorf("%s has the scale %v, and %v is told", u.Name, got, scale)
			}
		}
	}
}

// TestBiasCorrectionRestoresTheMeans: after it the mean of each logit over the images
// is that of the float network, also of one whose weights were rounded in between.
func TestBiasCorrectionRestoresTheMeans(t *testing.T) {
	s := images(64)
	n := residual(t, 16, fixed(3))
	want, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ptq.Quantize(t.Context(), n, s, ptq.Plan{Repair: []string{ptq.RepairAdaRound, ptq.RepairBias}}); err != nil {
		t.Fatal(err)
	}
	got, err := ptq.Logits(t.Context(), n, s, graph.Pass{Quantize: true})
	if err != nil {
		t.Fatal(err)
	}
	for c := range 3 {
		var d, size float64
		for i := c; i < len(want); i += 3 {
			d += float64(got[i] - want[i])
			size += math.Abs(float64(want[i]))
		}
		if math.Abs(d) > 1e-4*size {
			t.Errorf("class %d: the mean is off by %v of %v", c, d/64, size/64)
		}
	}
}

// TestRepairsRaiseTheSignal: for weights of 3 bits, rounding chosen by AdaRound raises
// the signal-to-noise ratio of the logits by two decibels at least.
func TestRepairsRaiseTheSignal(t *testing.T) {
	s := images(80)
	quality := func(repair ...string) float64 {
		p := fixed(8)
		p.WeightBits = 3
		n := residual(t, 16, p)
		o, err := ptq.Quantize(context.Background(), n, s, ptq.Plan{Repair: repair})
		if err != nil {
			t.Fatal(err)
		}
		return o.Steps[len(o.Steps)-1].SNRdB
	}
	plain := quality()
	if q := quality(ptq.RepairAdaRound); q < plain+2 {
		t.Errorf("adaround: %.2f dB, without %.2f", q, plain)
	}
	if again := quality(ptq.Repairs()...); again != quality(ptq.Repairs()...) {
		t.Error("two repairs of one network differ")
	}
}

// A patience is a context that is done once it was asked so many times.
type patience struct {
	context.Context
	left atomic.Int64
}

func (p *patience) Err() error {
	if p.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestAdaRoundStopsWithinALayer: each channel asks whether it is still wanted, since all
// channels of a large layer take minutes.
func TestAdaRoundStopsWithinALayer(t *testing.T) {
	s, n := images(40), residual(t, 10, fixed(4))
	n.Start()
	if err := ptq.Weights(n, "mse", calibrate.Options{}); err != nil {
		t.Fatal(err)
	}
	layers := 0
	ctx := &patience{Context: t.Context()}
	ctx.left.Store(4 + 2 + 3) // batches of the first layer, the layer, some of its channels
	err := ptq.AdaRound(ctx, n, s, func(done, _ int) { layers = done })
	if !errors.Is(err, context.Canceled) || layers > 0 {
		t.Errorf("%v after %d layers", err, layers)
	}
}

// TestSensitivityNamesTheLayerThatHurts has one layer of 2 bits among layers of 8: it
// has the least signal of all.
func TestSensitivityNamesTheLayerThatHurts(t *testing.T) {
	p := fixed(8)
	p.Rules = []qat.Rule{{Match: "conv3", WeightBits: 2}}
	n, s := residual(t, 16, p), images(60)
	if _, err := ptq.Quantize(t.Context(), n, s, ptq.Plan{Options: ptq.Options{Rule: "minmax"}}); err != nil {
		t.Fatal(err)
	}
	want, err := ptq.Logits(t.Context(), n, s, graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	worst := ptq.Sensitivity{SNRdB: math.Inf(1)}
	for _, what := range ptq.Layers(n) {
		if what.What != ptq.OfWeights {
			continue
		}
		m, err := ptq.Measure(t.Context(), n, s, what, want)
		if err != nil {
			t.Fatal(err)
		}
		if m.SNRdB < worst.SNRdB {
			worst = m
		}
	}
	if worst.Layer != "conv3" {
		t.Errorf("the worst layer is %+v", worst)
	}
}

// TestFit gives tensors that start so the ranges of the rule mse, in stages those of the stage's bits, and others
// none.
func TestFit(t *testing.T) {
	s := images(40)
	policy := qat.Policy{Method: qat.LSQ{Start: "mse"}, WeightBits: 2, ActivationBits: 2}
	want := residual(t, 16, policy)
	want.Start()
	if _, err := ptq.Ranges(t.Context(), want, s, ptq.Options{Rule: "mse"}); err != nil {
		t.Fatal(err)
	}
	n := residual(t, 16, policy)
	n.Start()
	if err := ptq.Fit(t.Context(), n, s); err != nil {
		t.Fatal(err)
	}
	policy.Stages = []qat.Stage{{WeightBits: 4, ActivationBits: 4}}
	staged := residual(t, 16, policy)
	for stage := range 2 {
		staged.SetStage(stage)
		staged.Start()
		if err := ptq.Fit(t.Context(), staged, s); err != nil {
			t.Fatal(err)
		}
	}
	fitted := 0
	for i, u := range n.Units {
		q := u.Output.Quantizer
		if q == nil {
			continue
		}
		if _, ok := q.(qat.Restarter); ok { // of the method int
			if q.Quantization().Scale != 1 {
				t.Errorf("%s is fitted", u.Name)
			}
			continue
		}
		fitted++
		for _, other := range []*layers.Network{want, staged} {
			if got := other.Units[i].Output.Quantizer.Quantization(); got != q.Quantization() {
				t.Errorf("%s is quantized by %+v, want %+v", u.Name, q.Quantization(), got)
			}
		}
	}
	if fitted == 0 {
		t.Error("nothing was fitted")
	}
	steps := map[string][]float32{} // of weights too, which Start fits
	for _, p := range staged.Graph.Params() {
		steps[p.Name] = p.Value
	}
	mean := residual(t, 16, qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: 2})
	mean.Start()
	for i, p := range n.Graph.Params() {
		if !slices.Equal(p.Value, steps[p.Name]) {
			t.Errorf("%s is %v after stages, want %v", p.Name, steps[p.Name], p.Value)
		}
		if strings.HasSuffix(p.Name, ".weight.step") && slices.Equal(p.Value, mean.Graph.Params()[i].Value) {
			t.Errorf("%s starts by the mean", p.Name)
		}
	}
	plain := residual(t, 16, qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: 2})
	plain.Start()
	if err := ptq.Fit(t.Context(), plain, datasets.Split{}); err != nil { // nothing asks for images
		t.Error(err)
	}
}

func TestUnknownNamesAreRefused(t *testing.T) {
	n, s := residual(t, 16, fixed(8)), images(5)
	for _, p := range []ptq.Plan{
		{Repair: []string{"glue"}}, {Options: ptq.Options{Rule: "glue"}},
		{Options: ptq.Options{Exceptions: []ptq.Exception{{Match: "nothing*", Rule: "kl"}}}},
		{Options: ptq.Options{Exceptions: []ptq.Exception{{Match: "[", Rule: "kl"}}}},
	} {
		if _, err := ptq.Quantize(t.Context(), n, s, p); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}

// TestRepairsThatHurtAreTakenBack re-estimates statistics from a few images that are
// unlike the others: what lowers the signal does not stay.
func TestRepairsThatHurtAreTakenBack(t *testing.T) {
	n, s := residual(t, 16, fixed(8)), images(3)
	o, err := ptq.Quantize(t.Context(), n, s, ptq.Plan{Repair: []string{ptq.RepairBatchNorm}})
	if err != nil {
		t.Fatal(err)
	}
	last := o.Steps[len(o.Steps)-1]
	if last.Kept || last.Gain >= 0 {
		t.Fatalf("%+v", o.Steps)
	}
	plain := residual(t, 16, fixed(8))
	if _, err := ptq.Quantize(t.Context(), plain, s, ptq.Plan{}); err != nil {
		t.Fatal(err)
	}
	got, err := ptq.Logits(t.Context(), n, s, graph.Pass{Quantize: true})
	if err != nil {
		t.Fatal(err)
	}
	want, err := ptq.Logits(t.Context(), plain, s, graph.Pass{Quantize: true})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("logits %v, without the repair %v, %v", got, want, err)
	}
}
