// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/_asm/machine"
)

// bytes returns whole numbers as the product takes them.
func (p *product) bytes(values []int) (b []byte) {
	for _, v := range values {
		if p.kind == floats {
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(float32(v))>>16))
		} else {
			b = append(b, byte(v))
		}
	}
	return b
}

// sum returns the bits of a sum.
func (p *product) sum(v int) uint32 {
	if p.kind == floats {
		return math.Float32bits(float32(v))
	}
	return uint32(v)
}

// compare draws the arguments of a product of whole numbers, whose sums are exact, runs it, and compares what it writes, and
// that it writes nothing else.
func (p *product) compare(m *machine.Machine, rng *rand.Rand) error {
	size, each := 2, 2 // bytes of a number, and numbers side by side
	if p.kind == bytes {
		size, each = 1, 4
	}
	rows, depth, blocks, slicesOf := 1+rng.IntN(16), each*(1+rng.IntN(16)), 1+rng.IntN(3), 1+rng.IntN(3)
	aPitch, cPitch, part := rng.IntN(70), 16*p.n+rng.IntN(3), rng.IntN(90)
	draw := func(n, least, most int) (list []int) {
		for range n {
			list = append(list, least+rng.IntN(most-least+1))
		}
		return list
	}
	var aAt, bAt, cAt, aStep, bStep []int
	for block := range blocks {
		for i := range p.m {
			aAt, cAt = append(aAt, rng.IntN(50)), append(cAt, (block*p.m+i)*rows*cPitch)
		}
		bAt = append(bAt, draw(p.n, 0, 60)...)
	}
	for range slicesOf {
		aStep, bStep = append(aStep, rng.IntN(50)), append(bStep, rng.IntN(3)*1024)
	}
	a := draw(slices.Max(aAt)+slices.Max(aStep)+(p.parts()-1)*part+(rows-1)*aPitch+depth, 0, 255)
	b := draw(slices.Max(bAt)+slices.Max(bStep)+depth*16, -100, 100)
	got := slices.Repeat([]byte{0xa5}, 4*((blocks*p.m*rows-1)*cPitch+16*p.n))
	want := slices.Clone(got)
	for row := range blocks * p.m * rows {
		tile := row / rows
		for n := range 16 * p.n {
			sum := 0
			for s := range slicesOf {
				for k := range depth {
					columns := b[bAt[tile/p.m*p.n+n/16]+bStep[s]+k/each*each*16+each*(n%16)+k%each]
					for i := range p.parts() {
						sum += a[aAt[tile]+aStep[s]+i*part+row%rows*aPitch+k] * columns
					}
				}
			}
			binary.LittleEndian.PutUint32(want[4*(row*cPitch+n):], p.sum(sum))
		}
	}
	config := make([]byte, 64)
	config[0] = 1
	for t := range 8 {
		wide, high := 64, rows
		switch {
		case t >= 6:
			high = depth / each
		case t >= 4:
			wide = size * depth
		}
		config[16+2*t], config[48+t] = byte(wide), byte(high)
	}
	inBytes := func(list []int) uint64 {
		var all []int32
		for _, v := range list {
			all = append(all, int32(size*v))
		}
		return m.Give32(all)
	}
	var places []int32
	for block := range blocks {
		for i := range p.m {
			places = append(places, int32(size*aAt[block*p.m+i]))
		}
		for j := range p.n {
			places = append(places, int32(size*bAt[block*p.n+j]))
		}
		for i := range p.m {
			places = append(places, int32(cAt[block*p.m+i]))
		}
	}
	values := map[string]uint64{
		"config": m.Give(config), "c": m.Give(got), "cStride": uint64(4 * cPitch), "a": m.Give(p.bytes(a)), "aStride": uint64(size * aPitch),
		"part": uint64(size * part), "b": m.Give(p.bytes(b)), "places": m.Give32(places), "blocks": uint64(blocks),
		"aStep": inBytes(aStep), "bStep": inBytes(bStep), "slices": uint64(slicesOf),
	}
	var list []byte
	for _, f := range fields {
		list = binary.LittleEndian.AppendUint64(list, values[f.Name])
	}
	if err := m.Run(p.name(), m.Give(list)); err != nil {
		return err
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("%d blocks, %d rows of %d: byte %d is %d, want %d", blocks, rows, depth, i, got[i], want[i])
		}
	}
	return nil
}

// TestProducts runs every instruction of every product in a machine that has no memory but what the product may touch, and
// whose tiles are checked as a processor checks them, and compares it with the definition.
func TestProducts(t *testing.T) {
	m, err := machine.New("../../amx_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range products() {
		for range 8 {
			if err := p.compare(m, rng); err != nil {
				t.Errorf("%s: %v", p.name(), err)
			}
			m.Reset()
		}
		if missed := m.Missed(p.name()); len(missed) > 0 {
			t.Errorf("%d instructions of %s did not run, such as %s", len(missed), p.name(), missed[0])
		}
	}
}
