// SPDX-License-Identifier: Apache-2.0

package kernel

import "testing"

func TestRoof(t *testing.T) {
	r := Roof{Flops: 100, Bandwidth: 10}
	if got := r.Seconds(200, 10); got != 4 {
		t.Errorf("%v s for the arithmetic of an op, want 4", got)
	}
	if got := r.Seconds(200, 50); got != 5 {
		t.Errorf("%v s for the bytes of an op, want 5", got)
	}
	pool := NewPool(2)
	defer pool.Close()
	if r := MeasureRoof(pool); r.Flops <= 0 || r.Bandwidth <= 0 {
		t.Errorf("%+v", r)
	}
}
