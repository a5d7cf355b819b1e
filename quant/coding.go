// SPDX-License-Identifier: Apache-2.0

package quant

// A Coding says what the integers are that stand for the weights of a layer.
type Coding uint8

// The codings.
const (
	Narrow Coding = iota // narrow signed codes, at 1 bit -1 and +1
	Odd                  // the odd numbers from 1 - 2^bits to 2^bits - 1
	Powers               // 0 and ±1, ±2, ±4, … up to ±2^(2^(bits-2) - 1)
	Split                // narrow codes whose positive and negative ones have a scale each
	Planes               // bit k of the integer, from 0 to 2^bits - 1, is sign k, with a scale of its own
)

// Sets returns the number of scales that a weight of the given bits is made of: its integers fall apart in so many
// sets, each of which is summed by itself.
func (c Coding) Sets(bits int) int {
	switch c {
	case Split:
		return 2
	case Planes:
		return bits
	default:
		return 1
	}
}
