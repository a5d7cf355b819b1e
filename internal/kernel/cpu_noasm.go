// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

const useAVX2 = false

// SetPortable makes every kernel run in portable Go, or lets it use assembly
// again, and returns the setting before. This build has portable Go only.
func SetPortable(bool) (before bool) { return true }
