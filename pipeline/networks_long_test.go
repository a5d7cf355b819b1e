// SPDX-License-Identifier: Apache-2.0

//go:build long

package pipeline_test

import (
	"fmt"
	"testing"
)

// TestNetworks trains every kind of network for a few hundred steps on real
// images, exports it at 8 and at 4 bits, and verifies 1,000 images.
func TestNetworks(t *testing.T) {
	colour := []string{"data.height=32", "data.width=32", "data.channels=3"}
	for _, c := range []struct {
		model    string
		settings []string
	}{
		{"lenet", nil},
		{"mlp", nil},
		{"cnv", append(colour, "model.width=0.25")},
		{"resnet20", colour},
		{"mobilenet", append(colour, "model.width=0.5")},
	} {
		for _, q := range []struct {
			method string
			bits   int
		}{{"int", 8}, {"pact", 4}, {"int", 4}, {"pact", 8}} {
			t.Run(fmt.Sprintf("%s/%s%d", c.model, q.method, q.bits), func(t *testing.T) {
				s := trained(t, small(t, append([]string{
					"model=" + c.model, "qat.method=" + q.method, fmt.Sprintf("qat.weight_bits=%d", q.bits), fmt.Sprintf("qat.activation_bits=%d", q.bits),
					"data.train_limit=5000", "data.test_limit=1000", "batch=32", "float.epochs=1", "qat.epochs=2",
				}, c.settings...)...))
				v := s.Verify
				t.Logf("float %.4f fake-quantized %.4f integer %.4f; %+v", *s.Accuracy.Float, *s.Accuracy.Fakequant, *s.Accuracy.Integer, *v)
				if v.IntegerMismatches != 0 || v.Images != 1000 {
					t.Errorf("%d mismatches on %d images", v.IntegerMismatches, v.Images)
				}
			})
		}
	}
}
