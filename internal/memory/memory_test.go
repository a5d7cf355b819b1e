// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"runtime"
	"testing"
)

// TestLimitIsThatOfAMachine: any machine that runs this has more than 64 MiB and
// less than a PiB.
func TestLimitIsThatOfAMachine(t *testing.T) {
	limit := Limit()
	if runtime.GOOS != "linux" {
		if limit != 0 {
			t.Errorf("%d bytes on %s", limit, runtime.GOOS)
		}
		return
	}
	if limit < 64<<20 || limit > 1<<50 {
		t.Errorf("%d bytes", limit)
	}
}

// TestFreeIsWhatIsLeft: the process takes some of its limit, and what it takes more is
// no longer free.
func TestFreeIsWhatIsLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what is free is known on Linux alone")
	}
	before := Free()
	if before < 1 || before >= Limit() {
		t.Fatalf("%d bytes of %d are free", before, Limit())
	}
	block := make([]byte, 256<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	if after := Free(); after > before-128<<20 {
		t.Errorf("%d bytes are free, %d before 256 MiB were taken", after, before)
	}
	runtime.KeepAlive(block)
}
