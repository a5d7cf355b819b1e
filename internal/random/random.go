// SPDX-License-Identifier: Apache-2.0

// Package random makes the keys of random streams: of a seed and of what a stream is
// for, so that a stream can be had again without a state that somebody kept.
package random

// Mix is the output of SplitMix64 for the state x (Steele, Lea and Flood, "Fast
// Splittable Pseudorandom Number Generators", 2014): a bijection of the 64-bit integers
// that sends neighbours far apart.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
