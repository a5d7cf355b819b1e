// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Limit returns the bytes that the process may take at most: those of the machine,
// of its control group (version 2) or of its limit on the address space, whichever
// is least; 0 if nothing is known.
func Limit() int64 { return known(min(resident(), addresses())) }

// Free returns the bytes of Limit that the process does not take yet, at least 1; 0
// if nothing is known.
func Free() int64 {
	size, inMemory := taken()
	free := min(left(resident(), inMemory), left(addresses(), size+reserve))
	return known(free)
}

// reserve are the addresses that Go and its threads take beside what a program asks
// for: the heap grows by whole arenas of 64 MiB.
const reserve = 192 << 20

// unlimited is a limit that is not known.
const unlimited = math.MaxInt64

func known(limit int64) int64 {
	if limit == unlimited {
		return 0
	}
	return limit
}

func left(limit, used int64) int64 {
	if limit == unlimited {
		return unlimited
	}
	return max(1, limit-used)
}

// resident returns the bytes in memory that the machine and the control group allow.
func resident() int64 {
	least := int64(unlimited)
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		least = min(least, int64(uint64(info.Totalram)*uint64(info.Unit)))
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			least = min(least, n)
		}
	}
	return least
}

// addresses returns the bytes of the address space (ulimit -v).
func addresses() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil || limit.Cur >= unlimited {
		return unlimited
	}
	return int64(limit.Cur)
}

// taken returns the bytes of addresses and of memory that the process takes, 0 if they
// are not known.
func taken() (size, inMemory int64) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, 0
	}
	var pages [2]int64
	for i := range pages {
		if pages[i], err = strconv.ParseInt(string(fields[i]), 10, 64); err != nil {
			return 0, 0
		}
	}
	page := int64(os.Getpagesize())
	return pages[0] * page, pages[1] * page
}
