// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Limit returns the bytes that the process may take at most: those of the machine,
// of its control group (version 2) or of its limit on the address space, whichever
// is least; 0 if nothing is known.
func Limit() int64 {
	least := int64(math.MaxInt64)
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		least = min(least, int64(uint64(info.Totalram)*uint64(info.Unit)))
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) == nil && limit.Cur < math.MaxInt64 {
		least = min(least, int64(limit.Cur))
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			least = min(least, n)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}
