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

// A kind is the micro-kernels for products of numbers of so many bytes, in these bounds: of float32, or of codes.
type kind struct {
	name, tier  string
	each, bytes int // numbers of a group
	a, b        [2]int
}

// AVX2 is not here: machines that have it run its kernels.
var kinds = []kind{
	{"matrix", "AVX512", 1, 4, [2]int{-255, 255}, [2]int{-255, 255}},
	{"channel", "AVX512", 1, 4, [2]int{-255, 255}, [2]int{-255, 255}},
	{"pair", "VNNI", 2, 2, [2]int{-255, 255}, [2]int{-255, 255}},
	{"four", "VNNI", 4, 1, [2]int{0, 255}, [2]int{-128, 127}},
}

// shapes returns the rows, the columns, and the rows of a group of the kind's micro-kernels.
func (k *kind) shapes() [][3]int {
	if k.name == "channel" {
		return [][3]int{{12, 16, 1}, {4, 16, 1}, {12, 32, 1}, {4, 32, 1}}
	}
	return [][3]int{{24, 16, 4}, {8, 16, 1}, {12, 32, 1}, {4, 32, 1}}
}

func (k *kind) codes() bool { return k.bytes < 4 }

// encode returns numbers as they lie in memory.
func (k *kind) encode(values []int) (b []byte) {
	for _, v := range values {
		switch k.bytes {
		case 1:
			b = append(b, byte(v))
		case 2:
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		default:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	return b
}

// sum returns a sum as it is stored.
func (k *kind) sum(v int, scale []float32, n int) uint32 {
	switch {
	case scale != nil:
		return math.Float32bits(float32(v) * scale[n])
	case k.codes():
		return uint32(v)
	default:
		return math.Float32bits(float32(v))
	}
}

// A drawn is a product of whole numbers with all that it reads.
type drawn struct {
	*kind
	rows, columns, group int // of the micro-kernel

	tiles, cols, first, pitch, ldb, next int
	cRow, aRow, aStep                    []int32
	a, b, c                              []int
	accumulate                           bool
	less                                 []int // of the sums of codes
	scale                                []float32
}

func draw(rng *rand.Rand, k *kind, shape [3]int) *drawn {
	d := &drawn{kind: k, rows: shape[0], columns: shape[1], group: shape[2], tiles: 1 + rng.IntN(2), pitch: 1 + rng.IntN(9), ldb: 16, accumulate: rng.IntN(2) == 0}
	d.cols = d.columns - max(0, rng.IntN(32)-16)
	wide := 1 // elements of a row of a that are read at once
	if k.codes() {
		d.first = rng.IntN(4)
	} else {
		d.ldb += rng.IntN(3)
	}
	if k.name == "channel" {
		wide = d.columns
	}
	for i, place := range rng.Perm(d.tiles * d.rows) {
		d.cRow = append(d.cRow, int32(place*(d.cols+3)))
		at := rng.Int32N(40)
		if i%d.group > 0 {
			at = d.aRow[i-1] + int32(d.pitch)
		}
		d.aRow = append(d.aRow, at)
	}
	for range 1 + rng.IntN(11) {
		d.aStep = append(d.aStep, rng.Int32N(40))
	}
	d.next = len(d.aStep)*d.ldb + rng.IntN(3)
	numbers := func(n int, bounds [2]int) (list []int) {
		for range n {
			list = append(list, bounds[0]+rng.IntN(bounds[1]-bounds[0]+1))
		}
		return list
	}
	d.a = numbers(d.first+int(slices.Max(d.aRow)+slices.Max(d.aStep))+max(wide, k.each), k.a)
	d.b = numbers(k.each*((d.columns/16-1)*d.next+(len(d.aStep)-1)*d.ldb+16), k.b)
	d.c = numbers(d.tiles*d.rows*(d.cols+3)-3, [2]int{-1 << 20, 1 << 20})
	if k.codes() && rng.IntN(2) == 0 {
		d.less = numbers(d.columns, [2]int{-1 << 20, 1 << 20})
	}
	if (k.codes() || k.name == "channel") && rng.IntN(2) == 0 {
		for range d.columns {
			d.scale = append(d.scale, rng.Float32())
		}
	}
	return d
}

// want returns what c holds after the product, by its definition.
func (d *drawn) want() (bits []uint32) {
	for _, v := range d.c {
		bits = append(bits, d.kind.sum(v, nil, 0))
	}
	for i, at := range d.cRow {
		for n := range d.cols {
			sum := 0
			if d.accumulate {
				sum = d.c[int(at)+n]
			}
			for k, step := range d.aStep {
				for j := range d.each {
					from := d.first + int(d.aRow[i]+step) + j
					if d.name == "channel" {
						from += n
					}
					sum += d.a[from] * d.b[d.each*(n/16*d.next+k*d.ldb+n%16)+j]
				}
			}
			if d.less != nil {
				sum -= d.less[n]
			}
			bits[int(at)+n] = d.kind.sum(sum, d.scale, n)
		}
	}
	return bits
}

// compare runs the product in a machine that has no memory but what the product may touch, and compares what it writes.
func (d *drawn) compare(m *machine.Machine, name string) error {
	var c []byte
	for _, v := range d.c {
		c = binary.LittleEndian.AppendUint32(c, d.kind.sum(v, nil, 0))
	}
	args := []uint64{m.Give(c), m.Give32(d.cRow), m.Give(d.encode(d.a))}
	if d.codes() {
		args = append(args, uint64(d.first))
	}
	args = append(args, m.Give32(d.aRow), uint64(d.tiles), m.Give(d.encode(d.b)))
	if !d.codes() {
		args = append(args, uint64(d.ldb))
	}
	accumulate := uint64(0)
	if d.accumulate {
		accumulate = 1
	}
	args = append(args, uint64(d.next), m.Give32(d.aStep), uint64(len(d.aStep)), uint64(d.cols), accumulate, uint64(d.pitch))
	if d.codes() {
		args = append(args, give(m, d.less, func(v int) int32 { return int32(v) }))
	}
	args = append(args, give(m, d.scale, func(v float32) int32 { return int32(math.Float32bits(v)) }))
	if err := m.Run(name, args...); err != nil {
		return err
	}
	for i, want := range d.want() {
		if got := binary.LittleEndian.Uint32(c[4*i:]); got != want {
			return fmt.Errorf("c[%d] is %#x, want %#x", i, got, want)
		}
	}
	return nil
}

// give lends the machine numbers of 32 bits, at 0 where there are none.
func give[T any](m *machine.Machine, values []T, bits func(T) int32) uint64 {
	if values == nil {
		return 0
	}
	var list []int32
	for _, v := range values {
		list = append(list, bits(v))
	}
	return m.Give32(list)
}

// TestTiles runs every micro-kernel for processors that the machine of the tests need not be, all instructions of it, on
// whole numbers, whose sums are exact.
func TestTiles(t *testing.T) {
	m, err := machine.New("../kernels_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range kinds {
		k := &kinds[i]
		for _, shape := range k.shapes() {
			name := fmt.Sprintf("%sTiles%dx%d%s", k.name, shape[0], shape[1], k.tier)
			for range 40 {
				d := draw(rng, k, shape)
				if err := d.compare(m, name); err != nil {
					t.Fatalf("%s, %d tiles, %d columns, %d steps, accumulated %v, %d to take away, %d scales: %v", name, d.tiles, d.cols, len(d.aStep), d.accumulate, len(d.less), len(d.scale), err)
				}
				m.Reset()
			}
			if missed := m.Missed(name); len(missed) > 0 {
				t.Errorf("%s never came to %q", name, missed)
			}
		}
	}
}
