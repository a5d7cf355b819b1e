// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/binary"
	"slices"
)

var (
	get32 = binary.LittleEndian.Uint32
	get64 = binary.LittleEndian.Uint64
	put32 = binary.LittleEndian.PutUint32
	put64 = binary.LittleEndian.PutUint64
	put16 = binary.LittleEndian.PutUint16
)

func signed16(b []byte) int32 { return int32(int16(binary.LittleEndian.Uint16(b))) }

// lanes32 and lanes64 make functions of lanes functions of registers.
func lanes32(f func(a, b uint32) uint32) func(dst, a, b []byte) {
	return func(dst, a, b []byte) {
		for i := 0; i < len(dst); i += 4 {
			put32(dst[i:], f(get32(a[i:]), get32(b[i:])))
		}
	}
}

func lanes64(f func(a, b uint64) uint64) func(dst, a, b []byte) {
	return func(dst, a, b []byte) {
		for i := 0; i < len(dst); i += 8 {
			put64(dst[i:], f(get64(a[i:]), get64(b[i:])))
		}
	}
}

func lanes8(f func(a, b byte) byte) func(dst, a, b []byte) {
	return func(dst, a, b []byte) {
		for i := range dst {
			dst[i] = f(a[i], b[i])
		}
	}
}

// binaries are the instructions on two registers, b the one that is written last before the destination: Intel's first
// source.
var binaries = map[string]func(dst, a, b []byte){
	"VPADDD":  lanes32(func(a, b uint32) uint32 { return a + b }),
	"VPSUBD":  lanes32(func(a, b uint32) uint32 { return b - a }),
	"VPXORD":  lanes32(func(a, b uint32) uint32 { return a ^ b }),
	"VXORPS":  lanes32(func(a, b uint32) uint32 { return a ^ b }),
	"VADDPS":  lanesFloat(func(a, b float32) float32 { return a + b }),
	"VMULPS":  lanesFloat(func(a, b float32) float32 { return a * b }),
	"VPMINUD": lanes32(func(a, b uint32) uint32 { return min(a, b) }),
	"VPMAXSD": lanes32(func(a, b uint32) uint32 { return uint32(max(int32(a), int32(b))) }),
	"VPADDQ":  lanes64(func(a, b uint64) uint64 { return a + b }),
	"VPANDNQ": lanes64(func(a, b uint64) uint64 { return a &^ b }),
	"VPMULDQ": lanes64(func(a, b uint64) uint64 { return uint64(int64(int32(a)) * int64(int32(b))) }),
	"VPMAXUB": lanes8(func(a, b byte) byte { return max(a, b) }),
	"VPMINUB": lanes8(func(a, b byte) byte { return min(a, b) }),
	"VPSRAVD": lanes32(func(count, x uint32) uint32 { return uint32(int32(x) >> min(count, 31)) }),
	"VPSLLVD": lanes32(func(count, x uint32) uint32 { return x << count }),
	"VPADDSW": func(dst, a, b []byte) {
		for i := 0; i < len(dst); i += 2 {
			put16(dst[i:], uint16(saturate(signed16(a[i:])+signed16(b[i:]), -1<<15, 1<<15-1)))
		}
	},
	"VPACKSSDW": func(dst, a, b []byte) {
		for lane := 0; lane < len(dst); lane += 16 {
			for i := range 4 {
				put16(dst[lane+2*i:], uint16(saturate(int32(get32(b[lane+4*i:])), -1<<15, 1<<15-1)))
				put16(dst[lane+8+2*i:], uint16(saturate(int32(get32(a[lane+4*i:])), -1<<15, 1<<15-1)))
			}
		}
	},
	"VPACKUSDW": func(dst, a, b []byte) {
		for lane := 0; lane < len(dst); lane += 16 {
			for i := range 4 {
				put16(dst[lane+2*i:], uint16(saturate(int32(get32(b[lane+4*i:])), 0, 1<<16-1)))
				put16(dst[lane+8+2*i:], uint16(saturate(int32(get32(a[lane+4*i:])), 0, 1<<16-1)))
			}
		}
	},
	"VPSRLVW": func(dst, count, x []byte) {
		for i := 0; i < len(dst); i += 2 {
			put16(dst[i:], uint16(signed16(x[i:]))>>uint16(signed16(count[i:])))
		}
	},
	"VPSRAVW": func(dst, count, x []byte) {
		for i := 0; i < len(dst); i += 2 {
			put16(dst[i:], uint16(signed16(x[i:])>>min(uint16(signed16(count[i:])), 15)))
		}
	},
	"VPMAXSW": func(dst, a, b []byte) {
		for i := 0; i < len(dst); i += 2 {
			put16(dst[i:], uint16(max(signed16(a[i:]), signed16(b[i:]))))
		}
	},
	"VPMULHW": func(dst, a, b []byte) {
		for i := 0; i < len(dst); i += 2 {
			put16(dst[i:], uint16(signed16(a[i:])*signed16(b[i:])>>16))
		}
	},
	"VPACKUSWB": func(dst, a, b []byte) {
		for lane := 0; lane < len(dst); lane += 16 {
			for i := range 8 {
				dst[lane+i] = byte(saturate(signed16(b[lane+2*i:]), 0, 255))
				dst[lane+8+i] = byte(saturate(signed16(a[lane+2*i:]), 0, 255))
			}
		}
	},
	"VPERMD": func(dst, a, b []byte) {
		for i := 0; i < len(dst); i += 4 {
			copy(dst[i:i+4], a[get32(b[i:])%16*4:])
		}
	},
	"VPERMB": func(dst, a, b []byte) {
		for i := range dst {
			dst[i] = a[b[i]%64]
		}
	},
}

// accumulations are the instructions that add products of two registers to a third.
var accumulations = map[string]func(dst, a, b []byte){
	"VPDPBUSD": func(dst, w, q []byte) {
		for n := 0; n < len(dst); n += 4 {
			sum := get32(dst[n:])
			for j := n; j < n+4; j++ {
				sum += uint32(int32(q[j]) * int32(int8(w[j])))
			}
			put32(dst[n:], sum)
		}
	},
	"VPDPWSSD": func(dst, a, b []byte) {
		for n := 0; n < len(dst); n += 4 {
			put32(dst[n:], get32(dst[n:])+uint32(signed16(a[n:])*signed16(b[n:]))+uint32(signed16(a[n+2:])*signed16(b[n+2:])))
		}
	},
	"VFMADD231PS": addProducts,
	"VPMADD52LUQ": func(dst, a, b []byte) {
		const low = 1<<52 - 1
		for n := 0; n < len(dst); n += 8 {
			put64(dst[n:], get64(dst[n:])+get64(a[n:])&low*(get64(b[n:])&low)&low)
		}
	},
}

func saturate(x, least, most int32) int32 { return max(least, min(x, most)) }

// vector executes an instruction on vectors. Operands are in Go's order: the destination is last, a mask before it.
func (m *Machine) vector(i *instruction, c *call) {
	if i.op == "VZEROUPPER" {
		return
	}
	last := &i.args[len(i.args)-1]
	from := func(n, size int) []byte { return slices.Clone(m.bytes(&i.args[n], c, size)) }
	if f := binaries[i.op]; f != nil {
		dst := make([]byte, last.width)
		f(dst, from(0, last.width), from(1, last.width))
		m.write(i, last, dst, 8)
		return
	}
	if f := accumulations[i.op]; f != nil {
		dst := slices.Clone(m.z[last.value][:last.width])
		f(dst, from(0, last.width), from(1, last.width))
		m.write(i, last, dst, 8)
		return
	}
	switch i.op {
	case "VMOVUPS", "VMOVUPS.Z":
		m.moveFloats(i, c)
	case "VCVTDQ2PS":
		m.write(i, last, toFloats(from(0, last.width)), 8)
	case "VFMADD231PS.BCST":
		dst := slices.Clone(m.z[last.value][:last.width])
		addProducts(dst, slices.Repeat(from(0, 4), last.width/4), from(1, last.width))
		m.write(i, last, dst, 8)
	case "VMOVDQU32", "VMOVDQU64":
		if last.kind == 'v' {
			m.write(i, last, from(0, last.width), 8)
		} else {
			copy(m.bytes(last, c, i.args[0].width), from(0, i.args[0].width))
		}
	case "VEXTRACTI32X4":
		copy(m.bytes(last, c, 16), m.z[i.args[1].value][16*i.args[0].value:])
	case "VEXTRACTI64X4":
		copy(m.bytes(last, c, 32), m.z[i.args[1].value][32*i.args[0].value:])
	case "VMOVQ":
		m.write(i, last, binary.LittleEndian.AppendUint64(nil, m.number(&i.args[0], c)), 8)
	case "VPBROADCASTB", "VPBROADCASTW", "VPBROADCASTD", "VBROADCASTSS":
		size := map[byte]int{'B': 1, 'W': 2, 'D': 4, 'S': 4}[i.op[11]]
		m.write(i, last, slices.Repeat(from(0, size), last.width/size), 8)
	case "VPORD.BCST":
		dst, one := from(1, last.width), get32(from(0, 4))
		for n := 0; n < len(dst); n += 4 {
			put32(dst[n:], get32(dst[n:])|one)
		}
		m.write(i, last, dst, 8)
	case "VMOVSHDUP":
		dst := from(0, last.width)
		for n := 0; n < len(dst); n += 8 {
			copy(dst[n:n+4], dst[n+4:])
		}
		m.write(i, last, dst, 8)
	case "VPMOVZXBD":
		dst := make([]byte, last.width)
		for n, b := range from(0, last.width/4) {
			dst[4*n] = b
		}
		m.write(i, last, dst, 8)
	case "VPMOVZXBD.Z": // what the mask leaves out is not read
		dst, mask, at := make([]byte, last.width), m.k[i.args[1].value], m.address(&i.args[0], c)
		for n := range len(dst) / 4 {
			if mask>>n&1 == 1 {
				dst[4*n] = m.at(at+uint64(n), 1)[0]
			}
		}
		clear(m.z[last.value][copy(m.z[last.value][:], dst):])
	case "VPCMPUD": // of the second register, at most the first
		if i.args[0].value != 2 {
			panic("compares otherwise")
		}
		most, x, bits := from(1, 64), from(2, 64), uint64(0)
		for n := range 16 {
			if get32(x[4*n:]) <= get32(most[4*n:]) {
				bits |= 1 << n
			}
		}
		m.k[last.value] = bits
	case "VMOVDQU8.Z":
		dst, mask := from(0, last.width), m.k[i.args[1].value]
		for n := range dst {
			dst[n] *= byte(mask >> n & 1)
		}
		clear(m.z[last.value][copy(m.z[last.value][:], dst):])
	case "VPMOVM2B":
		dst := make([]byte, last.width)
		for n := range dst {
			dst[n] = byte(-(m.k[i.args[0].value] >> n & 1))
		}
		m.write(i, last, dst, 8)
	case "VPSRLQ", "VPSRLD":
		m.shift(i, last, from(1, last.width))
	case "VPSHUFD":
		src, dst := from(1, last.width), make([]byte, last.width)
		for n := range len(dst) / 4 {
			copy(dst[4*n:4*n+4], src[n/4*16+i.args[0].value>>(n%4*2)&3*4:])
		}
		m.write(i, last, dst, 4)
	case "VPTESTNMD", "VPTESTNMQ":
		m.test(i, last, from(0, 64), from(1, 64))
	default:
		panic("is not known")
	}
}

// write writes a register, and zeros after what is written, as EVEX and VEX instructions do; with a mask only some lanes,
// of 4 bytes for VPSHUFD and of 8 for others.
func (m *Machine) write(i *instruction, to *operand, v []byte, lane int) {
	z := &m.z[to.value]
	if mask := &i.args[len(i.args)-2]; mask.kind == 'k' && i.op != "VPMOVM2B" {
		for n := 0; n < len(v); n += lane {
			if m.k[mask.value]>>(n/lane)&1 == 1 {
				copy(z[n:n+lane], v[n:])
			}
		}
		return
	}
	clear(z[copy(z[:], v):])
}

func (m *Machine) shift(i *instruction, last *operand, x []byte) {
	n := i.args[0].value
	for k := 0; k < len(x); k += 8 {
		if i.op == "VPSRLQ" {
			put64(x[k:], get64(x[k:])>>n)
		} else {
			put32(x[k:], get32(x[k:])>>n)
			put32(x[k+4:], get32(x[k+4:])>>n)
		}
	}
	m.write(i, last, x, 8)
}

// test sets bits of the lanes that have no bit in common, of those in a mask.
func (m *Machine) test(i *instruction, last *operand, a, b []byte) {
	bits := uint64(0)
	for n := range 16 {
		switch {
		case i.op == "VPTESTNMD" && get32(a[4*n:])&get32(b[4*n:]) == 0, i.op == "VPTESTNMQ" && n < 8 && get64(a[8*n%64:])&get64(b[8*n%64:]) == 0:
			bits |= 1 << n
		}
	}
	if mask := &i.args[len(i.args)-2]; mask.kind == 'k' {
		bits &= m.k[mask.value]
	}
	m.k[last.value] = bits
}
