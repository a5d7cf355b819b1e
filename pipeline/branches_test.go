// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import "testing"

// TestBranches trains a recipe whose layers read each other by name, and whose
// branches an addition and a concatenation join.
func TestBranches(t *testing.T) {
	s := trained(t, small(t, "float.epochs=2", `model=[
{kind: conv, name: stem, channels: 8, kernel: 3, stride: 2, pad: same, norm: true, activation: relu},
{kind: conv, name: left, channels: 8, kernel: [1, 5], pad: same, norm: true},
{kind: conv, name: right, inputs: [stem], channels: 8, kernel: [5, 1], pad: same, norm: true},
{kind: add, name: sum, inputs: [left, right, stem], activation: relu},
{kind: maxpool, name: least, inputs: [stem], size: 3, stride: 1, pad: 1},
{kind: conv, name: narrow, inputs: [sum], channels: 4, kernel: 1, norm: true, activation: relu},
{kind: concat, inputs: [narrow, least, sum]},
{kind: conv, channels: 16, kernel: 3, stride: 2, pad: same, norm: true, activation: relu},
{kind: globalavgpool}, {kind: linear}]`))
	if v := s.Verify; v == nil || v.IntegerMismatches != 0 || v.FakequantMaxSteps > 1 {
		t.Errorf("verification: %+v", v)
	}
	if a := *s.Accuracy.Integer; a < 0.25 {
		t.Errorf("integer accuracy %v after four epochs", a)
	}
}
