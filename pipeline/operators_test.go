// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import "testing"

// TestOperators trains a recipe of layers that gate, choose, shuffle and enlarge, as
// networks for small devices have them.
func TestOperators(t *testing.T) {
	s := trained(t, small(t, "float.epochs=8", `model=[
{kind: conv, name: stem, channels: 8, kernel: 3, stride: 2, pad: same, norm: true, activation: hard_swish},
{kind: globalavgpool}, {kind: conv, channels: 4, kernel: 1, activation: relu},
{kind: conv, name: gate, channels: 8, kernel: 1, activation: hard_sigmoid},
{kind: multiply, name: excited, inputs: [stem, gate]},
{kind: slice, name: left, channels: 4}, {kind: slice, name: right, inputs: [excited], first: 4},
{kind: conv, name: changed, channels: 4, kernel: 3, pad: same, norm: true, activation: prelu},
{kind: concat, inputs: [left, changed]}, {kind: shuffle, groups: 2},
{kind: norm, activation: leaky_relu, slope: 0.1},
{kind: maxpool, size: 2}, {kind: activation, activation: silu},
{kind: upsample, size: [1, 2]},
{kind: conv, channels: 10, kernel: 3, stride: 2, pad: same, norm: true, activation: relu},
{kind: globalavgpool}]`))
	if v := s.Verify; v == nil || v.IntegerMismatches != 0 {
		t.Errorf("verification: %+v", v)
	}
	if a := *s.Accuracy.Integer; a < 0.2 {
		t.Errorf("integer accuracy %v after four epochs", a)
	}
}
