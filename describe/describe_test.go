// SPDX-License-Identifier: Apache-2.0

package describe_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
)

// TestModelAddsUp: sums over the layers are those of the model, and integers take
// less energy than float32.
func TestModelAddsUp(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5)))
	d, err := describe.Model(q, "")
	if err != nil {
		t.Fatal(err)
	}
	var macs int64
	var energy float64
	for i, l := range d.Layers {
		macs += l.MACs
		energy += l.EnergyUJ
		if l.MACs != q.MACs(i) || l.Name != q.Operators[i].Name {
			t.Errorf("layer %d: %+v", i, l)
		}
	}
	if d.MACs != macs || d.EnergyUJ != energy || !(d.EnergyUJ < d.Float32UJ) || d.ArenaBytes == 0 {
		t.Errorf("%+v", d)
	}
	if _, err := describe.Model(q, "nothing"); err == nil {
		t.Error("an unknown kernel is described")
	}
}

// TestBitsAreThoseOfTheFile: weights of 0, which one bit could hold, have the bits that the file says, and the same once it
// was written and read.
func TestBitsAreThoseOfTheFile(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5)))
	want, err := describe.Model(q, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range q.Operators {
		if o.Weights != nil && o.Weights.Coding == qmodel.Narrow {
			clear(o.Weights.Packed)
		}
	}
	var file bytes.Buffer
	if err := q.Write(&file); err != nil {
		t.Fatal(err)
	}
	if q, err = qmodel.Read(bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
		t.Fatal(err)
	}
	got, err := describe.Model(q, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range got.Layers {
		if l.WeightBits != want.Layers[i].WeightBits {
			t.Errorf("layer %s has weights of %d bits, not %d", l.Name, l.WeightBits, want.Layers[i].WeightBits)
		}
	}
}

// TestNetworkHasTheBitsInUse: those of the quantizers, or of float32 where they are
// off.
func TestNetworkHasTheBitsInUse(t *testing.T) {
	pool := graph.NewPool(1)
	defer pool.Close()
	n, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 4, Kernel: 3, Activation: network.ReLU}, layers.Conv2D{Channels: 4, Kernel: 3, Activation: network.ReLU},
		layers.GlobalAvgPool{}, layers.Linear{Channels: 2},
	}, layers.Config{
		Input: layers.Input{Height: 8, Width: 8, Channels: 1, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b"},
		Batch: 1, Pool: pool, Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 3, ActivationBits: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	float, quantized := describe.Network(n, graph.Pass{}), describe.Network(n, graph.Pass{Quantize: true})
	if l := quantized.Layers[1]; l.WeightBits != 3 || l.ActivationBits != 5 || l.Method != "pact" || l.MACs != 4*4*4*36 {
		t.Errorf("quantized: %+v", l)
	}
	if l := float.Layers[1]; l.WeightBits != 32 || l.ActivationBits != 32 || l.Method != "" {
		t.Errorf("float: %+v", l)
	}
	if !(quantized.EnergyUJ < float.EnergyUJ) {
		t.Errorf("%v µJ quantized, %v in float", quantized.EnergyUJ, float.EnergyUJ)
	}
}
