// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

const (
	best = Portable
	tier = Portable
)

// SetTier makes the kernels run on a tier, or on the fastest this machine has
// below it, and returns the one before. This build has portable Go only.
func SetTier(Tier) (before Tier) { return Portable }
