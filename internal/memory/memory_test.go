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
