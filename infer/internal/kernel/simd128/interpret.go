// SPDX-License-Identifier: Apache-2.0

//go:build !js

package simd128

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// Outside of JavaScript an interpreter runs the module, for tests on every machine of 64 bits. It knows the instructions that the
// generator uses, and addresses of 64 bits: a number of 32 bits on the stack is one of 64 here.

const supported = false

func permit() error { return nil }

// TestSets returns the set as it runs by the interpreter, but for convolutions so large that it would take long.
func TestSets() []kernel.Set {
	const most = 1 << 16 // products of an image, about a millisecond
	interpreted := Set
	interpreted.Name, interpreted.Supported = "simd128, interpreted", true
	interpreted.Plan = func(c kernel.Conv, weights []int8) kernel.Plan {
		products := c.Pixels() * len(weights)
		if c.Groups > 1 {
			products *= lanes // at most, with those by weights of 0
		}
		if products > most {
			return kernel.NewGeneric(c, weights)
		}
		return newPlan(c, weights)
	}
	interpreted.Signs = func(c kernel.Conv, n int, weights []int16) kernel.Plan {
		if words := c.KH * c.KW * ((c.InC + 31) / 32); n*c.Pixels()*c.OutC*words > most/4 {
			return kernel.NewBits(c, n, weights)
		}
		return signs(c, n, weights, interpreted.Plan)
	}
	return []kernel.Set{interpreted}
}

// shared is where the module reads its parameters, locked while one runs. Memory of globals does not move, and what they
// point to is in use and not on a stack.
var (
	shared parameters
	lock   sync.Mutex
)

// call calls a function of the module.
func call(function int, p parameters) {
	lock.Lock()
	defer lock.Unlock()
	shared = p
	functions()[function].run()
	shared = parameters{}
}

// A value is one on the stack: a number in its first half, or a vector.
type value [2]uint64

func lanes8(v *value) *[16]uint8  { return (*[16]uint8)(unsafe.Pointer(v)) }
func lanes16(v *value) *[8]uint16 { return (*[8]uint16)(unsafe.Pointer(v)) }
func lanes32(v *value) *[4]uint32 { return (*[4]uint32)(unsafe.Pointer(v)) }

// An instruction has its operand: a variable, a number, an offset in memory, or the instruction to go on with.
type instruction struct {
	op     int // on vectors 256 more
	n      int64
	vector [16]uint8
}

// A function is the instructions of a function, and how many variables it has.
type function struct {
	code      []instruction
	variables int
}

// functions decodes the module once.
var functions = sync.OnceValue(func() []function {
	d := decoder(module[8:])
	for len(d) > 0 {
		id, size := d.byte(), d.number()
		body := d[:size]
		d = d[size:]
		if id == 10 {
			return body.functions()
		}
	}
	panic("simd128: a module without code")
})

// A decoder reads what is left of a module.
type decoder string

func (d *decoder) byte() byte {
	b := (*d)[0]
	*d = (*d)[1:]
	return b
}

// number reads a number as LEB128, and signed one with a sign.
func (d *decoder) number() int { return int(d.leb(false)) }
func (d *decoder) signed() int { return int(d.leb(true)) }

func (d *decoder) leb(signed bool) (n int64) {
	for shift := 0; ; {
		b := d.byte()
		n |= int64(b&0x7f) << shift
		if shift += 7; b < 0x80 {
			if signed && b&0x40 != 0 {
				n |= -1 << shift
			}
			return n
		}
	}
}

func (d decoder) functions() []function {
	all := make([]function, d.number())
	for i := range all {
		size := d.number()
		body := d[:size]
		d = d[size:]
		for range body.number() {
			all[i].variables += body.number()
			body.byte()
		}
		all[i].code = body.instructions()
	}
	return all
}

// instructions decodes a body. What a loop or a condition jumps to is the operand of the jump.
func (d decoder) instructions() []instruction {
	var code []instruction
	var open []int
	for len(d) > 0 {
		i := instruction{op: int(d.byte())}
		switch i.op {
		case 0x03, 0x04: // loop, if
			d.byte()
			open = append(open, len(code))
		case 0x0b: // end
			if len(open) > 0 {
				start := open[len(open)-1]
				open = open[:len(open)-1]
				if code[start].op == 0x04 {
					code[start].n = int64(len(code))
				}
			}
		case 0x0d: // br_if
			i.n = int64(open[len(open)-1-d.number()])
		case 0x20, 0x21, 0x22, 0x23: // local.get, local.set, local.tee, global.get
			i.n = int64(d.number())
		case 0x28, 0x29, 0x3c, 0x3e: // i32.load, i64.load, i64.store8, i64.store32
			d.number()
			i.n = int64(d.number())
		case 0x41, 0x42: // i32.const, i64.const
			i.n = int64(d.signed())
		case 0xfd:
			i.op = 256 + d.number()
			d.operands(&i)
		}
		code = append(code, i)
	}
	return code
}

// operands decodes those of an instruction on vectors.
func (d *decoder) operands(i *instruction) {
	switch i.op - 256 {
	case 0x0c, 0x0d: // v128.const, i8x16.shuffle
		copy(i.vector[:], *d)
		*d = (*d)[16:]
	case 0x00, 0x01, 0x02, 0x09, 0x0a, 0x0b, 0x5c, 0x5b: // loads and stores
		d.number()
		i.n = int64(d.number())
		if i.op == 256+0x5b {
			d.byte() // lane 0
		}
	}
}

// A stack is that of a running function.
type stack []value

func (s *stack) push(v value) { *s = append(*s, v) }

func (s *stack) pop() value {
	v := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return v
}

func (s *stack) number() int64 { return int64(s.pop()[0]) }

// address pops an address and adds an offset.
func (s *stack) address(offset int64) unsafe.Pointer {
	at := s.number() + offset
	return *(*unsafe.Pointer)(unsafe.Pointer(&at))
}

func number(n int64) value { return value{uint64(n)} }

func truth(b bool) value {
	if b {
		return value{1}
	}
	return value{}
}

// run runs the function.
func (f *function) run() {
	variables, s := make([]value, f.variables), make(stack, 0, 16)
	for at := 0; at < len(f.code); at++ {
		i := &f.code[at]
		switch i.op {
		case 0x03, 0x0b, 0xa7: // loop, end, i32.wrap_i64
		case 0x04: // if
			if s.number() == 0 {
				at = int(i.n)
			}
		case 0x0d: // br_if
			if s.number() != 0 {
				at = int(i.n)
			}
		case 0x1b: // select
			if c, second := s.number(), s.pop(); c == 0 {
				s[len(s)-1] = second
			}
		case 0x20: // local.get
			s.push(variables[i.n])
		case 0x21: // local.set
			variables[i.n] = s.pop()
		case 0x22: // local.tee
			variables[i.n] = s[len(s)-1]
		case 0x23: // global.get
			s.push(number(int64(uintptr(unsafe.Pointer(&shared)))))
		case 0x28: // i32.load
			s.push(number(int64(*(*int32)(s.address(i.n)))))
		case 0x29: // i64.load
			s.push(number(*(*int64)(s.address(i.n))))
		case 0x3c: // i64.store8
			v := s.number()
			*(*uint8)(s.address(i.n)) = uint8(v)
		case 0x3e: // i64.store32
			v := s.number()
			*(*uint32)(s.address(i.n)) = uint32(v)
		case 0x41, 0x42: // i32.const, i64.const
			s.push(number(i.n))
		case 0x47, 0x4a, 0x53, 0x55, 0x6a, 0x6b, 0x71, 0x74, 0x76, 0x7c, 0x83, 0x87:
			b, a := s.number(), s.number()
			s.push(scalar(i.op, a, b))
		default:
			i.vectors(&s)
		}
	}
}

// scalar returns the result of an instruction on numbers.
func scalar(op int, a, b int64) value {
	switch op {
	case 0x47: // i32.ne
		return truth(a != b)
	case 0x4a, 0x55: // i32.gt_s, i64.gt_s
		return truth(a > b)
	case 0x53: // i64.lt_s
		return truth(a < b)
	case 0x6a, 0x7c: // i32.add, i64.add
		return number(a + b)
	case 0x6b: // i32.sub
		return number(a - b)
	case 0x71, 0x83: // i32.and, i64.and
		return number(a & b)
	case 0x87: // i64.shr_s
		return number(a >> (b & 63))
	case 0x74: // i32.shl
		return number(a << b)
	default: // i32.shr_u
		return number(int64(uint64(a) >> b))
	}
}

// vectors runs an instruction on vectors.
func (i *instruction) vectors(s *stack) {
	switch op := i.op - 256; op {
	case 0x00: // v128.load
		s.push(*(*value)(s.address(i.n)))
	case 0x01: // i16x8.load8x8_s
		var r value
		for k, v := range (*[8]int8)(s.address(i.n)) {
			lanes16(&r)[k] = uint16(v)
		}
		s.push(r)
	case 0x02: // i16x8.load8x8_u
		var r value
		for k, v := range (*[8]uint8)(s.address(i.n)) {
			lanes16(&r)[k] = uint16(v)
		}
		s.push(r)
	case 0x09: // v128.load32_splat
		v := uint64(*(*uint32)(s.address(i.n)))
		s.push(value{v | v<<32, v | v<<32})
	case 0x0a: // v128.load64_splat
		v := *(*uint64)(s.address(i.n))
		s.push(value{v, v})
	case 0x0b: // v128.store
		v := s.pop()
		*(*value)(s.address(i.n)) = v
	case 0x5b: // v128.store64_lane
		v := s.pop()
		*(*uint64)(s.address(i.n)) = v[0]
	case 0x5c: // v128.load32_zero
		s.push(value{uint64(*(*uint32)(s.address(i.n)))})
	case 0x0c: // v128.const
		s.push(*(*value)(unsafe.Pointer(&i.vector)))
	case 0x0f: // i8x16.splat
		v := uint64(uint8(s.number())) * 0x0101010101010101
		s.push(value{v, v})
	case 0x11: // i32x4.splat
		v := uint64(uint32(s.number()))
		s.push(value{v | v<<32, v | v<<32})
	case 0x62, 0x7d, 0x7f, 0x89, 0x8a, 0xa9, 0xaa, 0xc7, 0xc8: // counts, sums of neighbours and extensions
		a := s.pop()
		s.push(extend(op, &a))
	case 0x8d, 0xab, 0xac: // shifts
		n, a := s.number(), s.pop()
		s.push(shift(op, &a, n))
	default:
		b, a := s.pop(), s.pop()
		s.push(i.two(op, &a, &b))
	}
}

// extend makes the numbers of half a vector twice as wide, or the sums of neighbours, or counts the bits of bytes.
func extend(op int, a *value) (r value) {
	for k := range 8 {
		switch {
		case op == 0x62: // i8x16.popcnt
			for i := range 2 {
				lanes8(&r)[2*k+i] = uint8(bits.OnesCount8(lanes8(a)[2*k+i]))
			}
		case op == 0x7d: // i16x8.extadd_pairwise_i8x16_u
			lanes16(&r)[k] = uint16(lanes8(a)[2*k]) + uint16(lanes8(a)[2*k+1])
		case op == 0x7f && k < 4: // i32x4.extadd_pairwise_i16x8_u
			lanes32(&r)[k] = uint32(lanes16(a)[2*k]) + uint32(lanes16(a)[2*k+1])
		case op == 0x89: // i16x8.extend_low_i8x16_u
			lanes16(&r)[k] = uint16(lanes8(a)[k])
		case op == 0x8a: // i16x8.extend_high_i8x16_u
			lanes16(&r)[k] = uint16(lanes8(a)[8+k])
		case op == 0xa9 && k < 4: // i32x4.extend_low_i16x8_u
			lanes32(&r)[k] = uint32(lanes16(a)[k])
		case op == 0xaa && k < 4: // i32x4.extend_high_i16x8_u
			lanes32(&r)[k] = uint32(lanes16(a)[4+k])
		case op >= 0xc7 && k < 2: // i64x2.extend_low_i32x4_s, i64x2.extend_high_i32x4_s
			r[k] = uint64(int64(int32(lanes32(a)[2*(op-0xc7)+k])))
		}
	}
	return r
}

func shift(op int, a *value, n int64) (r value) {
	for k := range 8 {
		switch {
		case op == 0x8d: // i16x8.shr_u
			lanes16(&r)[k] = lanes16(a)[k] >> (n % 16)
		case op == 0xab && k < 4: // i32x4.shl
			lanes32(&r)[k] = lanes32(a)[k] << (n % 32)
		case k < 4: // i32x4.shr_s
			lanes32(&r)[k] = uint32(int32(lanes32(a)[k]) >> (n % 32))
		}
	}
	return r
}

// two returns the result of an instruction on two vectors.
func (i *instruction) two(op int, a, b *value) (r value) {
	switch op {
	case 0x4e: // v128.and
		return value{a[0] & b[0], a[1] & b[1]}
	case 0x4f: // v128.andnot
		return value{a[0] &^ b[0], a[1] &^ b[1]}
	case 0x50: // v128.or
		return value{a[0] | b[0], a[1] | b[1]}
	case 0x51: // v128.xor
		return value{a[0] ^ b[0], a[1] ^ b[1]}
	case 0xd5: // i64x2.mul
		return value{a[0] * b[0], a[1] * b[1]}
	case 0xdb: // i64x2.ge_s
		return value{-truth(int64(a[0]) >= int64(b[0]))[0], -truth(int64(a[1]) >= int64(b[1]))[0]}
	case 0xce: // i64x2.add
		return value{a[0] + b[0], a[1] + b[1]}
	case 0xd6: // i64x2.eq
		return value{-truth(a[0] == b[0])[0], -truth(a[1] == b[1])[0]}
	case 0xdc, 0xdd: // i64x2.extmul_low_i32x4_s, i64x2.extmul_high_i32x4_s
		x, y := lanes32(a)[2*(op-0xdc):], lanes32(b)[2*(op-0xdc):]
		return value{uint64(int64(int32(x[0])) * int64(int32(y[0]))), uint64(int64(int32(x[1])) * int64(int32(y[1])))}
	case 0x3d, 0x3f, 0xae, 0xb1, 0xb5, 0xba:
		return words(op, a, b)
	}
	for k := range 16 {
		x, y, to := lanes8(a)[k], lanes8(b)[k], &lanes8(&r)[k]
		switch op {
		case 0x0d: // i8x16.shuffle
			*to = lanes8([]*value{a, b}[i.vector[k]/16])[i.vector[k]%16]
		case 0x6e: // i8x16.add
			*to = x + y
		case 0x77: // i8x16.min_u
			*to = min(x, y)
		case 0x79: // i8x16.max_u
			*to = max(x, y)
		case 0x65: // i8x16.narrow_i16x8_s
			*to = uint8(min(max(-128, int16(lanes16([]*value{a, b}[k/8])[k%8])), 127))
		case 0x66: // i8x16.narrow_i16x8_u
			*to = uint8(min(max(0, int16(lanes16([]*value{a, b}[k/8])[k%8])), 255))
		case 0x85: // i16x8.narrow_i32x4_s
			if k < 8 {
				lanes16(&r)[k] = saturated(int32(lanes32([]*value{a, b}[k/4%2])[k%4]))
			}
		case 0x8f: // i16x8.add_sat_s
			if k < 8 {
				lanes16(&r)[k] = saturated(int32(int16(lanes16(a)[k])) + int32(int16(lanes16(b)[k])))
			}
		default:
			panic(fmt.Sprintf("simd128: an instruction %#x that the interpreter does not know", op))
		}
	}
	return r
}

// words returns the result of an instruction on words of 32 bits.
func words(op int, a, b *value) (r value) {
	for k := range 4 {
		x, y, to := lanes32(a)[k], lanes32(b)[k], &lanes32(&r)[k]
		switch op {
		case 0x3d: // i32x4.le_s
			*to = -uint32(truth(int32(x) <= int32(y))[0])
		case 0x3f: // i32x4.ge_s
			*to = -uint32(truth(int32(x) >= int32(y))[0])
		case 0xae: // i32x4.add
			*to = x + y
		case 0xb1: // i32x4.sub
			*to = x - y
		case 0xb5: // i32x4.mul
			*to = x * y
		default: // i32x4.dot_i16x8_s
			*to = uint32(int32(int16(x))*int32(int16(y)) + int32(x)>>16*(int32(y)>>16))
		}
	}
	return r
}

// saturated returns the nearest number of 16 bits.
func saturated(n int32) uint16 { return uint16(min(max(-1<<15, n), 1<<15-1)) }
