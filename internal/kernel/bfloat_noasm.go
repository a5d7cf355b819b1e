// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

func vectorSplitScaled([]int16, int, []float32, []float32) {}

func vectorPairParts([]float32, int, []float32, []int32, int) {}

func vectorPairRows([]int16, []float32, []int32) {}

func (p *tileProduct) runTiles() {}

func vectorScaleSums([]float32, []float32, int) {}
