// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// peakRSS returns the most memory the process had resident, in megabytes, as the
// system counts it; without such a count, what Go took from the system.
func peakRSS() float64 {
	if f, err := os.Open("/proc/self/status"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var kilobytes float64
			if rest, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
				if _, err := fmt.Sscanf(rest, "%f kB", &kilobytes); err == nil {
					return kilobytes * 1024 * 1e-6
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) * 1e-6
}
