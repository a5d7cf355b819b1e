// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/qat"
)

// TestMethods fine-tunes one float network with every method, and with every
// option of methods: what exports agrees in every integer.
func TestMethods(t *testing.T) {
	few := []string{"data.train_limit=640", "data.test_limit=100", "qat.epochs=1", "qat.lr=0.01"}
	float := trained(t, small(t, append(few, "float.epochs=2", "qat.epochs=0")...))
	type settings []string
	cases := map[string]settings{
		"dorefa, 8 bits":          {"qat.method=dorefa", "qat.weight_bits=8", "qat.activation_bits=8"},
		"dorefa, 1 bit":           {"qat.method=dorefa", "qat.weight_bits=1", "qat.activation_bits=1"},
		"first and last the same": {"qat.method=lsq", "qat.weight_bits=3", "qat.activation_bits=3", "qat.first_last=same"},
		"an image of one bit":     {"qat.method=dorefa", "qat.weight_bits=2", "qat.activation_bits=1", "qat.first_last=same"},
		"gradients of 6 bits":     {"qat.method=dorefa", "qat.gradient_bits=6"},
		"weights of dorefa":       {"qat.method=pact", "qat.weights=dorefa"},
		"powers of two":           {"qat.method=lsq", "qat.scales=pow2"},
		"powers of two, the same": {"qat.method=int", "qat.scales=pow2", "qat.first_last=same"},
		"8 to 4 to 2 bits": {
			"qat.method=lsq", "qat.weight_bits=2", "qat.activation_bits=2", "qat.epochs=3",
			"qat.stages=[{epochs: 1, weight_bits: 8, activation_bits: 8}, {epochs: 1, weight_bits: 4, activation_bits: 4}]",
		},
		"bits that are learned":    {"qat.method=hgq", "qat.weight_bits=3", "qat.activation_bits=3", "qat.epochs=6", "qat.price=10"},
		"layer by layer":           {"qat.epochs=3", "qat.stages=[{epochs: 1, match: conv1}, {epochs: 1, match: conv*}]"},
		"floating-point weights":   {"qat.method=lsq", "qat.weight_bits=32"},
		"floating-point inputs":    {"qat.method=lsq", "qat.activation_bits=32"},
		"per layer, with a method": {`qat.layers=[{match: conv2, method: wrpn, weight_bits: 5}, {match: fc1, weights: dorefa, weight_bits: 3}]`},
	}
	for _, method := range qat.Methods() {
		m := method.Info()
		widest := func(bits []int) int {
			if slices.Contains(bits, 4) {
				return 4
			}
			return slices.Max(bits)
		}
		cases[m.Name] = settings{
			"qat.method=" + m.Name, fmt.Sprintf("qat.weight_bits=%d", widest(m.WeightBits)), fmt.Sprintf("qat.activation_bits=%d", widest(m.ActivationBits)),
		}
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			r := small(t, append(append(few, s...), "init="+filepath.Join(float.Folder, "checkpoint-float.safetensors"))...)
			got := trained(t, r)
			if strings.HasPrefix(name, "floating-point") {
				if got.Verify != nil || got.Accuracy.Integer != nil {
					t.Errorf("an integer model of a floating-point network: %+v", got.Verify)
				}
				return
			}
			if v := got.Verify; v == nil || v.IntegerMismatches != 0 || v.FakequantMaxSteps > 1 || v.Images != 100 {
				t.Errorf("verification: %+v", v)
			}
		})
	}
}
