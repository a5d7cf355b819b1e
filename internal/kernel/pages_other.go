// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kernel

// LargePages does nothing: such systems choose their pages alone.
func LargePages(_ []float32) {}
