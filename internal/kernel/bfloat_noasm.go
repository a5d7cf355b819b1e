// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

func vectorSplitRows([]int16, int, int, []float32) {}

func vectorPairRows([]int16, []float32, []int32) {}

func (p *tileProduct) runTiles() {}

func vectorScaleSums([]float32, []float32, int) {}
