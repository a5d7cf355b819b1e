// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
)

func TestRun(t *testing.T) {
	v := run(context.Background(), 300, 2)
	if v.Images != 60 || v.Tensors != 6 || v.IntegerMismatches != 0 || v.FakequantMaxSteps > 1 {
		t.Errorf("%+v: want 60 images of 6 tensors without a mismatch", v)
	}
}
