// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// broadcast loads a float32 argument into every lane.
func (x vectors) broadcast(name string) VecVirtual {
	address, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := x.new()
	VBROADCASTSS(address.Addr, v)
	return v
}

// compare returns where a < b, or a <= b: lanes of ones in a vector of AVX2, bits in a mask of AVX-512. There is
// none where one of them is NaN.
func (x vectors) compare(predicate uint64, a, b VecVirtual) Register {
	if x.lanes == 8 {
		to := x.new()
		VCMPPS(Imm(predicate), b, a, to)
		return to
	}
	to := K()
	VCMPPS(Imm(predicate), b, a, to)
	return to
}

// within returns where v lies within limits, which belong to it.
func (x vectors) within(v VecVirtual, limits [2]VecVirtual) Register {
	in := x.compare(lessEqual, limits[0], v)
	if x.lanes == 8 {
		most := x.compare(lessEqual, v, limits[1])
		VANDPS(most, in, in)
		return in
	}
	both := K()
	VCMPPS(Imm(lessEqual), limits[1], v, in, both)
	return both
}

// keep returns the numbers of a vector in memory where there is a mark, 0 elsewhere.
func (x vectors) keep(at Mem, mark Register) VecVirtual {
	v := x.new()
	if x.lanes == 8 {
		VANDPS(at, mark, v)
	} else {
		VMOVUPS_Z(at, mark, v)
	}
	return v
}

// gated returns the value by which a Gate passes a gradient: src times a scale and a shift, and an addend if there is one.
func (x vectors) gated(src VecVirtual, add []Mem, coefficient []Op) VecVirtual {
	v := x.new()
	VMULPS(coefficient[0], src, v)
	VADDPS(coefficient[1], v, v)
	for _, a := range add {
		VADDPS(a, v, v)
	}
	return v
}

// gateStore generates the kernel of Gate.Store of a tier.
func (x vectors) gateStore() {
	text("gateStore"+x.tier, "dst, src, dy, add, scale, shift *float32, rows, n int, least, most, step float32, s *[3][8]float64",
		fmt.Sprintf("gateStore%s is Gate.Store of rows of n channels, whole vectors; where add is not nil, of a sum; where s is not nil, StoreSpills but for the last sum of the lanes.", x.tier))
	spills, step := Load(Param("s"), GP64()), Load(Param("step"), XMM())
	zero := XMM()
	VXORPS(zero, zero, zero)
	TESTQ(spills, spills)
	JEQ(LabelRef("stores"))
	UCOMISS(zero, step)
	JNE(LabelRef("steps"))
	x.gateSums("spills", limitSpills)
	Label("steps")
	x.gateSums("steps", stepSpills)
	Label("stores")
	x.gateSums("stores", noSpills)
}

// Spills that a kernel takes.
const (
	noSpills    = iota
	limitSpills // below the limits and above
	stepSpills  // and between them
)

// gateSums writes the loops of one tensor and of a sum.
func (x vectors) gateSums(label string, spills int) {
	add := Load(Param("add"), GP64())
	TESTQ(add, add)
	JNE(LabelRef(label + "OfSum"))
	x.gateLoops(label+"One", false, spills)
	Label(label + "OfSum")
	x.gateLoops(label+"Sum", true, spills)
}

// gateLoops writes the loops over rows and channels, which return.
func (x vectors) gateLoops(label string, addend bool, spills int) {
	slices := []string{"dst", "src", "dy"}
	if addend {
		slices = append(slices, "add")
	}
	var base []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	scale, shift := Load(Param("scale"), GP64()), Load(Param("shift"), GP64())
	rows, n := Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	limits := [2]VecVirtual{x.broadcast("least"), x.broadcast("most")}
	out, c := GP64(), GP64()
	var sums [3]laneSum
	if spills != noSpills {
		Load(Param("s"), out)
		for i := range sums {
			sums[i] = x.loadLanes(Mem{Base: out, Disp: 64 * i})
		}
	}
	var step VecVirtual
	if spills == stepSpills {
		step = x.broadcast("step")
	}
	at := func(b Register) Mem { return Mem{Base: b, Index: c, Scale: 4} }
	Label(label + "Row")
	XORQ(c, c)
	Label(label + "Column")
	fetchAhead(at(base[1]))
	fetchAhead(at(base[2]))
	src := x.new()
	VMOVUPS(at(base[1]), src)
	var add []Mem
	if addend {
		add = append(add, at(base[3]))
	}
	v := x.gated(src, add, []Op{at(scale), at(shift)})
	passes := x.within(v, limits)
	d := x.keep(at(base[2]), passes)
	if spills != noSpills {
		x.addLanes(x.keep(at(base[2]), x.compare(less, v, limits[0])), sums[0])
		x.addLanes(x.keep(at(base[2]), x.compare(less, limits[1], v)), sums[2])
	}
	VMOVUPS(d, at(base[0]))
	if spills == stepSpills {
		x.addProducts(d, x.stepError(v, step, passes), sums[1])
	}
	ADDQ(Imm(uint64(x.lanes)), c)
	CMPQ(c, n)
	JLT(LabelRef(label + "Column"))
	for _, b := range base {
		LEAQ(Mem{Base: b, Index: n, Scale: 4}, b)
	}
	DECQ(rows)
	JNE(LabelRef(label + "Row"))
	for i, s := range sums {
		for j, r := range s {
			VMOVUPD(r, Mem{Base: out, Disp: 64*i + 4*x.lanes*j})
		}
	}
	VZEROUPPER()
	RET()
}

// stepError returns RNE(v/step) − v/step where there is a mark, 0 elsewhere. It overwrites v.
func (x vectors) stepError(v, step VecVirtual, mark Register) VecVirtual {
	to := x.new()
	VDIVPS(step, v, v)
	if x.lanes == 8 {
		VROUNDPS(Imm(nearestEven), v, to)
		VSUBPS(v, to, to)
		VANDPS(mark, to, to)
	} else {
		VRNDSCALEPS(Imm(nearestEven), v, to)
		VSUBPS_Z(v, to, mark, to)
	}
	return to
}

// A laneSum is a sum in float64 of eight lanes: two vectors of AVX2, one of AVX-512.
type laneSum []VecVirtual

func (x vectors) loadLanes(at Mem) (s laneSum) {
	for i := range 16 / x.lanes {
		s = append(s, x.new())
		VMOVUPD(at.Offset(4*x.lanes*i), s[i])
	}
	return s
}

// addLanes adds v, which it overwrites, to a sum: of AVX-512 the first eight numbers before the others.
func (x vectors) addLanes(v VecVirtual, s laneSum) {
	half := x.new()
	if x.lanes == 8 {
		VCVTPS2PD(v.AsX(), half)
		VADDPD(half, s[0], s[0])
		VEXTRACTF128(Imm(1), v, v.AsX())
		VCVTPS2PD(v.AsX(), half)
		VADDPD(half, s[1], s[1])
		return
	}
	VCVTPS2PD(v.AsY(), half)
	VADDPD(half, s[0], s[0])
	VEXTRACTF64X4(Imm(1), v, v.AsY())
	VCVTPS2PD(v.AsY(), half)
	VADDPD(half, s[0], s[0])
}

// addProducts adds a times b, which it overwrites, as addLanes adds.
func (x vectors) addProducts(a, b VecVirtual, s laneSum) {
	if x.lanes == 8 {
		wide{s[0], s[1]}.addProduct(a, b)
		return
	}
	for half := range 2 {
		if half == 1 {
			VEXTRACTF64X4(Imm(1), a, a.AsY())
			VEXTRACTF64X4(Imm(1), b, b.AsY())
		}
		p, q := x.new(), x.new()
		VCVTPS2PD(a.AsY(), p)
		VCVTPS2PD(b.AsY(), q)
		VFMADD231PD(p, q, s[0])
	}
}
