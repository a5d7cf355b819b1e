// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"fmt"
	"testing"
)

// size sets the size of images.
func size(h, w int) []string {
	return []string{fmt.Sprint("data.height=", h), fmt.Sprint("data.width=", w)}
}

// TestOddShapesRunOnIntegers trains, exports and verifies networks and images of the
// shapes that tools are known to stumble on: one channel in every layer, even kernels,
// windows that divide nothing, maps that are flattened, images of one pixel, and
// shortcuts of images far wider than high. No integer differs.
func TestOddShapesRunOnIntegers(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		name, model string
		images      []string
	}{
		{"one channel", `[{kind: conv, channels: 1, kernel: 3, norm: true, activation: relu}, {kind: depthwise, kernel: 3, norm: true, activation: relu},
			{kind: conv, channels: 1, kernel: 1, activation: relu}, {kind: globalavgpool}, {kind: linear, channels: 1}, {kind: linear}]`, size(9, 9)},
		{"odd images", `[{kind: conv, channels: 6, kernel: 3, pad: 1, norm: true, activation: relu}, {kind: maxpool, size: 2}, {kind: maxpool, size: 3, stride: 2, pad: 1},
			{kind: residual, body: [{kind: conv, channels: 7, kernel: 3, stride: 2, pad: 1, norm: true}], shortcut: [{kind: conv, channels: 7, kernel: 1, stride: 2, norm: true}], activation: relu},
			{kind: avgpool, size: 2}, {kind: globalavgpool}, {kind: linear}]`, size(29, 45)},
		{"even kernels", `[{kind: conv, channels: 5, kernel: 4, pad: 1, stride: 2, norm: true, activation: relu}, {kind: depthwise, kernel: 2, norm: true, activation: relu},
			{kind: conv, channels: 5, kernel: 2, activation: relu}, {kind: globalavgpool}, {kind: linear}]`, size(11, 9)},
		{"a flattened map", `[{kind: conv, channels: 5, kernel: 4, stride: 4, norm: true, activation: relu}, {kind: flatten}, {kind: linear}]`, size(29, 45)},
		{"one valid window", `[{kind: conv, channels: 5, kernel: 3, activation: relu}, {kind: flatten}, {kind: linear}]`, size(3, 3)},
		{"one pixel", "mlp", size(1, 1)},
		{"one pixel, shortcuts", `[{kind: conv, channels: 4, kernel: 3, pad: 1, norm: true, activation: relu},
			{kind: residual, body: [{kind: conv, channels: 8, kernel: 3, stride: 2, pad: 1, norm: true}], shortcut: [{kind: conv, channels: 8, kernel: 1, stride: 2, norm: true}], activation: relu},
			{kind: globalavgpool}, {kind: linear}]`, size(1, 1)},
		{"a row", `[{kind: conv, channels: 4, kernel: [1, 5], pad: [0, 2], stride: [1, 3], norm: true, activation: relu},
			{kind: residual, body: [{kind: conv, channels: 8, kernel: 3, stride: 2, pad: 1, norm: true}], shortcut: [{kind: conv, channels: 8, kernel: 1, stride: 2, norm: true}], activation: relu},
			{kind: globalavgpool}, {kind: linear}]`, size(1, 128)},
		{"a row under square windows", `[{kind: conv, channels: 4, kernel: 5, pad: 2, stride: 3, norm: true, activation: relu},
			{kind: conv, channels: 6, kernel: 5, pad: 2, stride: 3, norm: true, activation: relu}, {kind: flatten}, {kind: linear}]`, size(1, 128)},
		{"a row without windows", "mlp", size(1, 128)},
		{"channels that are no multiples of anything", "{name: mobilenet, width: 0.8}", size(64, 16)},
	} {
		bits := []int{8, 4}[i%2]
		t.Run(fmt.Sprintf("%s/%d", c.name, bits), func(t *testing.T) {
			s := trained(t, small(t, append([]string{
				"model=" + c.model, "data.train_limit=64", "data.test_limit=24", "batch=32", "float.epochs=1", "qat.epochs=1",
				fmt.Sprint("qat.weight_bits=", bits), fmt.Sprint("qat.activation_bits=", bits),
			}, c.images...)...))
			if v := s.Verify; v == nil || v.IntegerMismatches != 0 || v.Images != 24 {
				t.Errorf("verification: %+v", v)
			}
		})
	}
}

// TestWindowsThatDoNotFitAreRefused: windows larger than what they slide over are
// refused before the first step, by the layer's name.
func TestWindowsThatDoNotFitAreRefused(t *testing.T) {
	for _, layer := range []string{"{kind: avgpool, name: wide, size: 40}", "{kind: maxpool, name: wide, size: 40}", "{kind: conv, name: wide, channels: 4, kernel: 40}"} {
		refused(t, "wide", "model=[{kind: conv, channels: 4, kernel: 3}, "+layer+", {kind: flatten}, {kind: linear}]")
	}
	refused(t, "pool", append(size(1, 128), "model=lenet")...)
}
