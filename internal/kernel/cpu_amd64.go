// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

var useAVX2 = hasAVX2

// SetPortable makes every kernel run in portable Go, or lets it use assembly
// again, and returns the setting before. It is meant for tests, between runs.
func SetPortable(on bool) (before bool) {
	before = !useAVX2
	useAVX2 = hasAVX2 && !on
	return before
}
