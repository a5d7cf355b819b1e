// SPDX-License-Identifier: Apache-2.0

package machine

import "math"

func float(b []byte) float32 { return math.Float32frombits(get32(b)) }

// lanesFloat makes a function of numbers one of registers.
func lanesFloat(f func(a, b float32) float32) func(dst, a, b []byte) {
	return lanes32(func(a, b uint32) uint32 {
		return math.Float32bits(f(math.Float32frombits(a), math.Float32frombits(b)))
	})
}

// addProducts is VFMADD231PS of numbers whose sums float64 holds.
func addProducts(dst, a, b []byte) {
	for n := 0; n < len(dst); n += 4 {
		put32(dst[n:], math.Float32bits(float32(float64(float(a[n:]))*float64(float(b[n:]))+float64(float(dst[n:])))))
	}
}

// toFloats makes integers numbers.
func toFloats(integers []byte) []byte {
	for n := 0; n < len(integers); n += 4 {
		put32(integers[n:], math.Float32bits(float32(int32(get32(integers[n:])))))
	}
	return integers
}

// moveFloats is VMOVUPS. What a mask leaves out is not touched in memory, and zero in a register.
func (m *Machine) moveFloats(i *instruction, c *call) {
	from, to := &i.args[0], &i.args[len(i.args)-1]
	width, mask := max(from.width, to.width), ^uint64(0)
	if len(i.args) == 3 {
		mask = m.k[i.args[1].value]
	}
	moved := make([]byte, width)
	for n := 0; n < width; n += 4 {
		switch {
		case mask>>(n/4)&1 == 0:
		case to.kind == 'v':
			copy(moved[n:n+4], m.lane(from, c, n))
		default:
			copy(m.lane(to, c, n), m.lane(from, c, n))
		}
	}
	if to.kind == 'v' {
		clear(m.z[to.value][copy(m.z[to.value][:], moved):])
	}
}

// lane returns the 4 bytes of an operand from byte n on.
func (m *Machine) lane(o *operand, c *call, n int) []byte {
	if o.kind == 'v' {
		return m.z[o.value][n : n+4]
	}
	return m.at(m.address(o, c)+uint64(n), 4)
}
