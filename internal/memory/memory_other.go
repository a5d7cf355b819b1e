// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package memory

// Limit returns 0: nothing is known.
func Limit() int64 { return 0 }

// Free returns 0: nothing is known.
func Free() int64 { return 0 }
