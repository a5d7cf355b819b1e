// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// TestStages quantizes a network part by part: tensors and weights have the bits
// of the stage, and parameters of other stages are idle.
func TestStages(t *testing.T) {
	p := qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: 2, Stages: []qat.Stage{
		{Match: "conv2", WeightBits: 8, ActivationBits: 8}, {WeightBits: 4, ActivationBits: 4},
	}}
	net := layers.Chain{conv(3), conv(3), layers.Residual{Body: conv(3)}, layers.GlobalAvgPool{}, layers.Linear{Channels: 10}}
	n := build(t, net, config(8, 8, 3, p))
	images, labels := noise(2*8*8*3), make([]int32, 2)
	pass := graph.Pass{Quantize: true}
	// The most values that tensor and weights can have, 0 for floating point.
	for stage, want := range []map[string][2]int{
		{"conv1": {256, 0}, "conv2": {0, 255}, "block1.conv1": {0, 0}, "block1.add": {0, 0}, "globalavgpool1": {0, 0}},
		{"conv1": {16, 255}, "conv2": {16, 15}, "block1.conv1": {16, 15}, "block1.add": {16, 0}, "globalavgpool1": {256, 0}},
		{"conv1": {4, 255}, "conv2": {4, 3}, "block1.conv1": {4, 3}, "block1.add": {4, 0}, "globalavgpool1": {256, 0}},
	} {
		n.SetStage(stage)
		if n.InStage() != (stage < 2) {
			t.Errorf("stage %d: in it: %v", stage, n.InStage())
		}
		n.Start()
		if _, err := n.Forward(graph.Pass{Mode: graph.Eval, Quantize: true, Observe: true, Calibrate: true}, images, labels); err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		tapped := pass
		tapped.Tap = func(s graph.Site) { seen[s.Name] = values(s.Y) }
		if _, err := n.Forward(tapped.In(graph.Eval), images, labels); err != nil {
			t.Fatal(err)
		}
		for name, most := range want {
			if got := seen[name]; most[0] > 0 && got > most[0] || most[0] == 0 && got < 20 && name != "globalavgpool1" {
				t.Errorf("stage %d: %s has %d values, want at most %d", stage, name, got, most[0])
			}
			if u := unit(t, n, name); u.Quantizer != nil {
				w := make([]float32, len(u.Weight.Value))
				u.Quantizer.Forward(w, u.Weight.Value)
				perChannel := 0
				for c := range u.Channels {
					perChannel = max(perChannel, values(w[c*len(w)/u.Channels:(c+1)*len(w)/u.Channels]))
				}
				if got := perChannel; most[1] > 0 && got > most[1] || most[1] == 0 && got < 16 {
					t.Errorf("stage %d: a channel of %s has %d weights, want at most %d", stage, name, got, most[1])
				}
			}
		}
		active := n.Active()
		for _, name := range []string{"conv2.weight.step", "conv2.step"} {
			there := slices.ContainsFunc(active, func(p *graph.Param) bool { return p.Name == name })
			if there != (stage == 2) {
				t.Errorf("stage %d: %s is active: %v", stage, name, there)
			}
		}
		if _, err := n.Step(pass, images, labels); err != nil {
			t.Fatal(err)
		}
	}
}

// values counts the different values of x.
func values(x []float32) int {
	x = slices.Clone(x)
	slices.Sort(x)
	return len(slices.Compact(x))
}
