// SPDX-License-Identifier: Apache-2.0

// Package energy estimates what a network costs on a chip: the arithmetic of its
// layers and the movement of their numbers, at any width, against the same
// network in float32.
//
// The energies are those of a 45 nm process at 0.9 V (Horowitz 2014, "Computing's
// energy problem (and what we can do about it)", ISSCC, figure 1.1.9; in the form
// of Dally 2015, "High-performance hardware for machine learning", NIPS tutorial),
// in picojoules:
//
//	addition         int8 0.03   int32 0.1   float32 0.9
//	multiplication   int8 0.2    int32 3.1   float32 3.7
//	read of 32 bits  8 KB 5      32 KB 10    1 MB 50       DRAM 640
//
// (Horowitz gives 64-bit reads of the caches; these are half of them.) For other
// widths, multiplications cost in proportion to the product of the widths, as
// array multipliers do; additions in proportion to the width; memory in proportion
// to the bits moved. Sums are 32 bits wide.
//
// It is an estimate for comparing networks and widths, not a measurement: every
// weight and every activation is moved once an image, from and to the least of
// the four memories that holds all weights, or the largest layer's activations;
// registers, control and idle time cost nothing.
package energy

// Picojoules of the operations.
const (
	addInt32    = 0.1
	addFloat32  = 0.9
	mulInt8     = 0.2
	mulFloat32  = 3.7
	dram32      = 640 // read of 32 bits
	floatBits   = 32
	wordBits    = 32
	kilobyteBit = 8 << 10
)

// sram are the memories on the chip by size, with the picojoules to read 32 bits.
var sram = []struct {
	bits int64
	read float64
}{{8 * kilobyteBit, 5}, {32 * kilobyteBit, 10}, {1024 * kilobyteBit, 50}}

// Numbers are values in memory and the bits they take there together.
type Numbers struct{ Values, Bits int64 }

// A Layer is the work of one layer for one image.
type Layer struct {
	MACs                  int64 // multiplications, each with an addition
	Adds                  int64 // additions without a multiplication
	WeightBits, InputBits int   // widths of the two operands of a multiplication
	Weights               Numbers
	Activations           Numbers // read and written
}

// An Estimate is the energy of one layer, or of a network, for one image, in
// picojoules.
type Estimate struct {
	Arithmetic  float64
	Weights     float64 // moving them
	Activations float64 // moving them
}

// Total returns the sum of the three parts.
func (e Estimate) Total() float64 { return e.Arithmetic + e.Weights + e.Activations }

// Integers estimates every layer of a network at its own widths, with 32-bit sums.
func Integers(network []Layer) []Estimate { return IntegersIn(network, Hold(network)) }

// IntegersIn is Integers in memories chosen for what is held in them.
func IntegersIn(network []Layer, h Held) []Estimate {
	return estimate(network, h, func(l Layer) float64 {
		product := mulInt8 * float64(l.WeightBits*l.InputBits) / 64
		return float64(l.MACs)*(product+addInt32) + float64(l.Adds)*addInt32
	})
}

// Float32 estimates every layer of the same network in float32.
func Float32(network []Layer) []Estimate {
	float := make([]Layer, len(network))
	for i, l := range network {
		l.Weights.Bits = floatBits * l.Weights.Values
		l.Activations.Bits = floatBits * l.Activations.Values
		float[i] = l
	}
	return estimate(float, Hold(float), func(l Layer) float64 {
		return float64(l.MACs)*(mulFloat32+addFloat32) + float64(l.Adds)*addFloat32
	})
}

func estimate(network []Layer, h Held, arithmetic func(Layer) float64) []Estimate {
	estimates := make([]Estimate, len(network))
	for i, l := range network {
		estimates[i] = Estimate{arithmetic(l), move(l.Weights.Bits, h.Weights), move(l.Activations.Bits, h.Activations)}
	}
	return estimates
}

// Held are the bits that two memories must hold: all weights of a network, and the
// activations of its largest layer.
type Held struct{ Weights, Activations int64 }

// Hold returns what the memories of a network must hold.
func Hold(network []Layer) (h Held) {
	for _, l := range network {
		h.Weights += l.Weights.Bits
		h.Activations = max(h.Activations, l.Activations.Bits)
	}
	return h
}

// Memories returns the bits that each of the memories on the chip holds, rising.
func Memories() (bits []int64) {
	for _, m := range sram {
		bits = append(bits, m.bits)
	}
	return bits
}

// move returns the energy to move bits that lie in the least memory that holds so many.
func move(bits, held int64) float64 {
	read := float64(dram32)
	for _, m := range sram {
		if held <= m.bits {
			read = m.read
			break
		}
	}
	return read * float64(bits) / wordBits
}
