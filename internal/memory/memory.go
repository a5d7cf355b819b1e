// SPDX-License-Identifier: Apache-2.0

// Package memory tells how much memory the process may take, so that what cannot
// fit is refused in a sentence before it is tried.
package memory

import (
	"os"
	"runtime/debug"
)

// Collect has the collector keep garbage within Free, in place of twice what is in
// use, unless the variable GOMEMLIMIT of the environment says how much.
func Collect() {
	if free := Free(); free > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(free)
	}
}
