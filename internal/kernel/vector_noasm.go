// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

func vectorAdd(dst, a, b []float32) int                                           { return 0 }
func vectorReLUClamp(dst, src []float32, hi float32) int                          { return 0 }
func vectorReLUClampBackward(dx, src, dy []float32, hi float32) int               { return 0 }
func vectorFakeQuantize(dst, src []float32, scale, lo, hi float32) int            { return 0 }
func vectorFakeQuantizeBackward(dx, src, dy []float32, scale, lo, hi float32) int { return 0 }
func vectorMinMax(src []float32) (lo, hi float32, n int)                          { return infinity, -infinity, 0 }
func vectorTanh(dst, src []float32) (n int, middle bool)                          { return 0, true }
func vectorTanhBackward(dx, tanh, dy []float32, gain float32) int                 { return 0 }
func vectorOddLevels(dst, src []float32, most, levels, scale float32) int         { return 0 }

func vectorScaleShift(dst, src, a, b []float32) int                                        { return 0 }
func vectorAddScaleShift(dst, src, a, b []float32) int                                     { return 0 }
func vectorCombine(dst, x, y, a, b, s []float32) int                                       { return 0 }
func vectorChannelMoments(sum, square []float64, src, shift []float32) int                 { return 0 }
func vectorChannelDots(sum, dot []float64, dy, x []float32) int                            { return 0 }
func vectorTranspose(panel, src []float32, stride, k int) int                              { return 0 }
func vectorCopyRows(dst []float32, dstPitch int, src []float32, srcPitch, n, rows int) int { return 0 }
func vectorFetch(memory []uint8)                                                           {}

func peakVector(rounds int) (flops int) { return 0 }

func (r *maxRun) vectorTake(y []float32, taps []uint8, x []float32, c, step int) int { return 0 }
func (r *maxRun) vectorGive(dx, dy []float32, taps []uint8, c, step int) int         { return 0 }

func vectorSquares(s *[1][sumLanes]float64, src []float32) int                              { return 0 }
func vectorClipBackward(s *[2][sumLanes]float64, dx, src, dy []float32, lo, hi float32) int { return 0 }
func vectorQuantizedDots(wq, qq *[2][sumLanes]float64, w []float32, scales [2]float32, most float32) int {
	return 0
}
func vectorStepBackward(s *[3][sumLanes]float64, dx, src, dy []float32, step, lo, hi float32) int {
	return 0
}

func (e *Encoding) vectorStore(dst []uint8, src, add []float32) (from int, lo, hi float32, numbers bool) {
	return 0, infinity, -infinity, true
}

func (g *Gate) vectorSums(sum, dot []float64, src, add, dy []float32)            {}
func (g *Gate) vectorStore(s *[3][sumLanes]float64, dst, src, add, dy []float32) {}
