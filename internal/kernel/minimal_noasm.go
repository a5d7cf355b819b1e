// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

func (f form) vectorTransform(dst []float32, to grid, src []float32, from grid, n int) {}
