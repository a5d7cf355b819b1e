// SPDX-License-Identifier: Apache-2.0

// Package memory tells how much memory the process may take, so that what cannot
// fit is refused in a sentence before it is tried.
package memory

import (
	"os"
	"runtime/debug"
)

// percent is how much garbage there may be beside what is in use. Most of that are large arrays of numbers, which cost the
// collector nothing to mark, so that it may come often: as much garbage again, as is usual, would double the memory.
const percent = 25

// Collect has the collector keep garbage within Free and a quarter of what is in use, unless the variables GOMEMLIMIT and
// GOGC of the environment say how much.
func Collect() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if free := Free(); free > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(free)
	}
}
