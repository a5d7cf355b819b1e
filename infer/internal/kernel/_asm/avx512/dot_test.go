// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A drawn is a product with all that it reads, and what it is to write.
type drawn struct {
	shape
	form
	tiles, height, steps, skip, step int

	weights []int8 // [height][taps][steps][columns][4]
	packed  []byte
	offsets []int32
	x       []byte
	start   []int32
	sums    []int32 // [row][channel]: what is right
}

func (d *drawn) channels() int { return 16 * d.columns }

// draw returns a random product of a shape and a form.
func draw(rng *rand.Rand, s shape, f form) *drawn {
	d := &drawn{shape: s, form: f, tiles: 1 + rng.IntN(2), height: 1 + rng.IntN(3), steps: f.steps * (1 + rng.IntN(9/f.steps+1)), skip: rng.IntN(9), step: 1 + rng.IntN(20)}
	if s.taps > 0 && f.bits == 1 {
		d.steps = 4 * (1 + rng.IntN(2))
	}
	d.drawWeights(rng)
	length := 0
	for range d.tiles {
		first := rng.IntN(50)
		for g := range d.rows / d.group {
			offset := rng.IntN(50)
			if d.taps > 0 {
				offset = first + g*d.group*d.step
			}
			d.offsets = append(d.offsets, int32(offset))
			length = max(length, offset+(d.group+max(0, d.taps-1)-1)*d.step)
		}
	}
	length += d.height*(4*d.steps+d.skip) - d.skip
	for range length {
		d.x = append(d.x, byte(rng.Uint32()))
	}
	for range d.channels() {
		d.start = append(d.start, rng.Int32N(1<<20)-1<<19)
	}
	d.sum()
	return d
}

// drawWeights draws weights and packs them as the form has them.
func (d *drawn) drawWeights(rng *rand.Rand) {
	values := []int8{1, -1}
	for d.bits > 1 && len(values) < 1<<d.bits {
		values = append(values, int8(rng.Uint32()))
	}
	n := d.height * max(1, d.taps) * d.steps * d.channels() * 4
	lines := d.channels() * 4 // weights of a step
	d.packed = make([]byte, n*d.bits/8)
	for i := range n {
		place := rng.IntN(len(values))
		d.weights = append(d.weights, values[place])
		switch d.bits {
		case 8:
			d.packed[i] = byte(values[place])
		case 1:
			d.packed[i/8] |= byte(place << (i % 8))
		default:
			step := i / lines
			d.packed[step/d.form.steps*lines+i%lines] |= byte(place << (step % d.form.steps * d.bits))
		}
	}
	if d.form.steps > 1 {
		var table []byte
		for _, v := range values {
			table = append(table, byte(v))
		}
		d.packed = append(slices.Repeat(table, 64/len(table)), d.packed...)
	}
}

// sum computes the sums as they are defined.
func (d *drawn) sum() {
	for row := range d.tiles * d.rows {
		at := int(d.offsets[row/d.group]) + row%d.group*d.step
		for c := range d.channels() {
			sum := d.start[c]
			for part := range d.height {
				for tap := range max(1, d.taps) {
					for k := range 4 * d.steps {
						w := d.weights[(((part*max(1, d.taps)+tap)*d.steps+k/4)*d.channels()+c)*4+k%4]
						sum += int32(d.x[at+part*(4*d.steps+d.skip)+tap*d.step+k]) * int32(w)
					}
				}
			}
			d.sums = append(d.sums, sum)
		}
	}
}

// A requantization is how sums become codes: with one term, whose ties the constant has seen to or not, or with codes.
type requantization struct {
	ties, codes       bool
	constant, m, more []int64 // of the channels
	shift, power      []int
	zero, least, most int64
	other             []byte
	stride            int // of other and of what is written
	table             []byte
}

// drawEnd draws a requantization of sums in rows. In each channel, the sum of a row leads to a tie between two codes.
func drawEnd(rng *rand.Rand, sums []int32, channels int, ties, codes bool) *requantization {
	q := &requantization{ties: ties, codes: codes, zero: rng.Int64N(256), most: 255, stride: channels + rng.IntN(9)}
	if rng.IntN(4) == 0 {
		q.least = rng.Int64N(100)
		q.most = q.least + rng.Int64N(256-q.least)
	}
	rows := len(sums) / channels
	if codes {
		for range (rows-1)*q.stride + channels {
			q.other = append(q.other, byte(rng.Uint32()))
		}
	}
	for c := range channels {
		shift, power := 32+rng.IntN(12), rng.IntN(9)
		m, more := (rng.Int64N(1<<32)-1<<31)>>rng.IntN(16), (rng.Int64N(1<<32)-1<<31)>>rng.IntN(16)
		row := rng.IntN(rows)
		constant := (rng.Int64N(256)-q.zero)<<shift + 1<<(shift-1) - int64(sums[row*channels+c])*m
		if codes {
			constant -= int64(q.other[row*q.stride+c]) << power * more
		}
		q.shift, q.power = append(q.shift, shift), append(q.power, power)
		q.m, q.more, q.constant = append(q.m, m), append(q.more, more), append(q.constant, constant)
	}
	for first := 0; first < channels; first += 16 {
		q.append(first)
	}
	return q
}

// append appends the table of 16 channels, as the package avx512 of the kernels writes it.
func (q *requantization) append(first int) {
	wide := func(value func(c int) int64) { // of even channels, then of odd ones
		for parity := range 2 {
			for c := first + parity; c < first+16; c += 2 {
				q.table = binary.LittleEndian.AppendUint64(q.table, uint64(value(c)))
			}
		}
	}
	narrow := func(value func(c int) int64) {
		for c := first; c < first+16; c++ {
			q.table = binary.LittleEndian.AppendUint32(q.table, uint32(value(c)))
		}
	}
	wide(func(c int) int64 { return q.constant[c] + 1<<(q.shift[c]-1) })
	narrow(func(c int) int64 { return int64(q.shift[c] - 32) })
	if q.ties || q.codes {
		wide(func(c int) int64 { return 1<<q.shift[c] - 1 })
		wide(func(c int) int64 { return 1 << q.shift[c] })
	}
	narrow(func(c int) int64 { return q.m[c] })
	if q.codes {
		narrow(func(c int) int64 { return q.more[c] })
		narrow(func(c int) int64 { return int64(q.power[c]) })
	}
}

// code returns the code of a sum: rounded to the nearest, at a tie to the even number if the end looks for ties, or else up.
func (q *requantization) code(sum int32, row, c int) byte {
	x := int64(sum)*q.m[c] + q.constant[c]
	if q.codes {
		x += int64(q.other[row*q.stride+c]) << q.power[c] * q.more[c]
	}
	unit := int64(1) << q.shift[c]
	rounded, rest := x>>q.shift[c], x&(unit-1)
	if rest > unit/2 || rest == unit/2 && (rounded&1 == 1 || !q.ties && !q.codes) {
		rounded++
	}
	return byte(max(q.least, min(q.zero+rounded, q.most)))
}

// TestDot runs every product of codes with every end, in a machine that has no memory but what the product may touch, and
// compares it with the definition.
func TestDot(t *testing.T) {
	m := newMachine(t)
	rng := rand.New(rand.NewPCG(1, 2))
	lent, next := len(m.memory), m.next
	for _, f := range forms {
		for _, s := range shapes {
			name := fmt.Sprintf("dot%s%dx%d", f.name, s.rows, s.columns)
			for round := range 12 {
				d := draw(rng, s, f)
				err := d.compare(m, rng, name, round)
				if err != nil {
					t.Errorf("%+v, step %d, %d parts of %d steps, skip %d, end %d: %v", s, d.step, d.height, d.steps, d.skip, round%4, err)
				}
				m.memory, m.next = m.memory[:lent], next
			}
		}
	}
}

// newMachine returns a machine with the products and their ends.
func newMachine(t *testing.T) *machine {
	t.Helper()
	files, err := filepath.Glob("../../avx512/*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated files: %v", err)
	}
	m := &machine{}
	files = slices.DeleteFunc(files, func(name string) bool {
		return !strings.HasPrefix(filepath.Base(name), "dot")
	})
	if err := m.load(files...); err != nil {
		t.Fatal(err)
	}
	return m
}

// compare runs a product with one of the ends and compares what it writes, and that it writes nothing else.
func (d *drawn) compare(m *machine, rng *rand.Rand, name string, end int) error {
	rows := d.tiles * d.rows
	give32 := func(v []int32) uint64 {
		var b []byte
		for _, v := range v {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		return m.give(b)
	}
	x, offsets, w, start := m.give(d.x), give32(d.offsets), m.give(d.packed), give32(d.start)
	run := func(acc, dst, other uint64, stride int, table uint64, ties bool, zero, least, most int64) error {
		tie := uint64(0)
		if ties {
			tie = 1
		}
		return m.run(name, acc, dst, other, uint64(stride), x, offsets, uint64(d.step), uint64(d.tiles), w, start,
			uint64(d.height), uint64(d.steps), uint64(d.skip), table, tie, uint64(zero), uint64(least), uint64(most))
	}
	if end%4 == 0 {
		stride := 4*d.channels() + 4*rng.IntN(9)
		got := slices.Repeat([]byte{0xa5}, (rows-1)*stride+4*d.channels())
		want := slices.Clone(got)
		for i, sum := range d.sums {
			put32(want[i/d.channels()*stride+4*(i%d.channels()):], uint32(sum))
		}
		if err := run(m.give(got), 0, 0, stride, 0, false, 0, 0, 0); err != nil {
			return err
		}
		return difference(got, want)
	}
	q := drawEnd(rng, d.sums, d.channels(), end%4 == 2, end%4 == 3)
	got := slices.Repeat([]byte{0xa5}, (rows-1)*q.stride+d.channels())
	want, other := slices.Clone(got), uint64(0)
	for i, sum := range d.sums {
		row, c := i/d.channels(), i%d.channels()
		want[row*q.stride+c] = q.code(sum, row, c)
	}
	if q.codes {
		other = m.give(q.other)
	}
	if err := run(0, m.give(got), other, q.stride, m.give(q.table), q.ties, q.zero, q.least, q.most); err != nil {
		return err
	}
	return difference(got, want)
}

func difference(got, want []byte) error {
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("byte %d is %d, want %d", i, got[i], want[i])
		}
	}
	return nil
}
