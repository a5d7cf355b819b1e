// SPDX-License-Identifier: Apache-2.0

package kernel

import "testing"

// TestLargePages asks for memory of all sizes around a page, in use or not, which keeps its numbers.
func TestLargePages(t *testing.T) {
	memory := make([]float32, 3<<19+1)
	for i := range memory {
		memory[i] = float32(i)
	}
	for _, part := range [][]float32{nil, memory[:1], memory[1:], memory[:1<<19], memory[5:], memory} {
		LargePages(part)
	}
	for i, v := range memory {
		if v != float32(i) {
			t.Fatalf("number %d has become %g", i, v)
		}
	}
}
