// SPDX-License-Identifier: Apache-2.0

package simd128

// Instructions, by their names in the specification.
const (
	opLoop, opIf, opEnd, opBrIf = 0x03, 0x04, 0x0b, 0x0d
	opLocalGet, opLocalSet      = 0x20, 0x21
	opLocalTee, opGlobalGet     = 0x22, 0x23
	i32Load, i64Load            = 0x28, 0x29
	i32Const                    = 0x41
	i32Ne, i32GtS               = 0x47, 0x4a
	i32Add, i32Sub              = 0x6a, 0x6b
	i32And, i32Shl, i32ShrU     = 0x71, 0x74, 0x76
	i64LtS, i64GtS              = 0x53, 0x55
	i64Const                    = 0x42
	i64Add, i64And, i64ShrS     = 0x7c, 0x83, 0x87
	i64Store8, i64Store32       = 0x3c, 0x3e
	i32WrapI64                  = 0xa7
	opSelect                    = 0x1b
	empty                       = 0x40 // a block without results
	prefix                      = 0xfd // of instructions on vectors
)

// Instructions on vectors, after the prefix.
const (
	v128Load          = 0x00
	i16x8Load8x8S     = 0x01
	i16x8Load8x8U     = 0x02
	v128Load32Splat   = 0x09
	v128Load64Splat   = 0x0a
	v128Store         = 0x0b
	v128Const         = 0x0c
	i8x16Shuffle      = 0x0d
	i8x16Splat        = 0x0f
	i32x4Splat        = 0x11
	i32x4LeS          = 0x3d
	i32x4GeS          = 0x3f
	v128And           = 0x4e
	v128AndNot        = 0x4f
	v128Or            = 0x50
	v128Xor           = 0x51
	v128Store64Lane   = 0x5b
	v128Load32Zero    = 0x5c
	i8x16Popcnt       = 0x62
	i8x16NarrowI16x8S = 0x65
	i8x16NarrowI16x8U = 0x66
	i8x16Add          = 0x6e
	i8x16MinU         = 0x77
	i8x16MaxU         = 0x79

	i16x8ExtaddPairwiseU = 0x7d
	i32x4ExtaddPairwiseU = 0x7f
	i16x8NarrowI32x4S    = 0x85
	i16x8ExtendLowU      = 0x89
	i16x8ExtendHighU     = 0x8a
	i16x8ShrU            = 0x8d
	i16x8AddSatS         = 0x8f
	i32x4ExtendLowU      = 0xa9
	i32x4ExtendHighU     = 0xaa
	i32x4Shl             = 0xab
	i32x4ShrS            = 0xac
	i32x4Add             = 0xae
	i32x4Sub             = 0xb1
	i32x4Mul             = 0xb5
	i32x4DotI16x8S       = 0xba
	i64x2ExtendLowS      = 0xc7
	i64x2ExtendHighS     = 0xc8
	i64x2Add             = 0xce
	i64x2Mul             = 0xd5
	i64x2Eq              = 0xd6
	i64x2GeS             = 0xdb
	i64x2ExtmulLowI32S   = 0xdc
	i64x2ExtmulHighI32S  = 0xdd
)

// I32 returns a new variable of 32 bits.
func (f *Func) I32() Local { return f.local(i32) }

// I64 returns a new variable of 64 bits.
func (f *Func) I64() Local { return f.local(i64) }

// V128 returns a new variable of 128 bits.
func (f *Func) V128() Local { return f.local(v128) }

func (f *Func) local(kind Type) Local {
	f.locals = append(f.locals, kind)
	return Local{len(f.locals) - 1, kind}
}

// V128s returns n new variables.
func (f *Func) V128s(n int) []Local { return repeat(n, f.V128) }

// I32s returns n new variables.
func (f *Func) I32s(n int) []Local { return repeat(n, f.I32) }

func repeat(n int, one func() Local) []Local {
	all := make([]Local, n)
	for i := range all {
		all[i] = one()
	}
	return all
}

// Op adds an instruction without operands of its own.
func (f *Func) Op(op byte) { f.body = append(f.body, op) }

// Vector adds an instruction on vectors, with bytes of its own.
func (f *Func) Vector(op int, own ...byte) {
	f.body = append(unsigned(append(f.body, prefix), op), own...)
}

// Load adds an instruction on vectors that reads from memory, or writes, at an offset from the address on the stack. No
// alignment is promised.
func (f *Func) Load(op, offset int) {
	f.Vector(op, 0)
	f.body = unsigned(f.body, offset)
}

// Number adds an instruction on numbers that reads from memory, or writes, likewise.
func (f *Func) Number(op byte, offset int) { f.body = unsigned(append(f.body, op, 0), offset) }

// Get pushes variables.
func (f *Func) Get(locals ...Local) {
	for _, l := range locals {
		f.body = unsigned(append(f.body, opLocalGet), l.index)
	}
}

// Set pops a variable, and Tee leaves it on the stack.
func (f *Func) Set(l Local) { f.body = unsigned(append(f.body, opLocalSet), l.index) }
func (f *Func) Tee(l Local) { f.body = unsigned(append(f.body, opLocalTee), l.index) }

// Const pushes a number.
func (f *Func) Const(n int32) { f.body = signed(append(f.body, i32Const), n) }

// Const64 pushes a number of 64 bits.
func (f *Func) Const64(n int32) { f.body = signed(append(f.body, i64Const), n) }

// Move sets a variable to another.
func (f *Func) Move(to, from Local) {
	f.Get(from)
	f.Set(to)
}

// Advance adds a number to a variable.
func (f *Func) Advance(l Local, by int32) {
	f.Get(l)
	f.Const(by)
	f.Op(i32Add)
	f.Set(l)
}

// Add adds a variable to another.
func (f *Func) Add(l, by Local) {
	f.Get(l, by)
	f.Op(i32Add)
	f.Set(l)
}

// Word pushes the number of 32 bits at an offset from an address.
func (f *Func) Word(address Local, offset int) {
	f.Get(address)
	f.Number(i32Load, offset)
}

// Param returns a parameter in a new variable, of the low 32 of its 64 bits, which is enough for addresses and sizes.
func (f *Func) Param(name string) Local {
	l := f.I32()
	f.param(name)
	f.Op(i32WrapI64)
	f.Set(l)
	return l
}

// Param64 returns a parameter in a new variable of 64 bits.
func (f *Func) Param64(name string) Local {
	l := f.I64()
	f.param(name)
	f.Set(l)
	return l
}

// param pushes a parameter.
func (f *Func) param(name string) {
	f.body = append(f.body, opGlobalGet, 0)
	f.Number(i64Load, 8*f.place(name))
}

// place returns the number of a parameter's word.
func (f *Func) place(name string) int {
	for _, p := range f.params {
		if p.name == name {
			return p.place
		}
	}
	panic(f.name + " has no parameter " + name)
}

// Repeat runs a body n times, counting n down to 0; n is not 0.
func (f *Func) Repeat(n Local, body func()) {
	f.body = append(f.body, opLoop, empty)
	body()
	f.Get(n)
	f.Const(1)
	f.Op(i32Sub)
	f.Tee(n)
	f.body = append(f.body, opBrIf, 0, opEnd)
}

// Loop runs a body as long as it leaves a number other than 0.
func (f *Func) Loop(body func()) {
	f.body = append(f.body, opLoop, empty)
	body()
	f.body = append(f.body, opBrIf, 0, opEnd)
}

// If runs a body where the number on the stack is not 0.
func (f *Func) If(body func()) {
	f.body = append(f.body, opIf, empty)
	body()
	f.body = append(f.body, opEnd)
}

// words returns the bytes of a shuffle that takes words of 32 bits of two vectors.
func words(from ...byte) []byte {
	var own []byte
	for _, w := range from {
		own = append(own, 4*w, 4*w+1, 4*w+2, 4*w+3)
	}
	return own
}
