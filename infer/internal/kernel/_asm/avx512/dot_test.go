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

	"github.com/goqat/goqat/infer/internal/kernel/_asm/endtest"
	"github.com/goqat/goqat/internal/_asm/machine"
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

// TestDot runs every product of codes with every end, in a machine that has no memory but what the product may touch, and
// compares it with the definition.
func TestDot(t *testing.T) {
	m := newMachine(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range forms {
		for _, s := range shapes {
			name := fmt.Sprintf("dot%s%dx%d", f.name, s.rows, s.columns)
			for round := range 3 * allEnds {
				d := draw(rng, s, f)
				err := d.compare(m, rng, name, round%allEnds)
				if err != nil {
					t.Errorf("%+v, step %d, %d parts of %d steps, skip %d, end %d: %v", s, d.step, d.height, d.steps, d.skip, round%allEnds, err)
				}
				m.Reset()
			}
		}
	}
}

// newMachine returns a machine with the products and their ends.
func newMachine(t *testing.T) *machine.Machine {
	t.Helper()
	files, err := filepath.Glob("../../avx512/*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated files: %v", err)
	}
	files = slices.DeleteFunc(files, func(name string) bool {
		return !strings.HasPrefix(filepath.Base(name), "dot")
	})
	m, err := machine.New(files...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Ends of a test, of which products are told the number after requantized; they see other by itself.
const (
	stored = iota
	requantized
	withTies
	shortened
	withOther
	allEnds
)

// compare runs a product with one of the ends and compares what it writes, and that it writes nothing else.
func (d *drawn) compare(m *machine.Machine, rng *rand.Rand, name string, end int) error {
	rows, start := d.tiles*d.rows, d.start
	run := func(acc, dst, other uint64, stride int, table uint64, zero, least, most int64) error {
		kind := uint64(max(0, end-requantized))
		return m.Run(name, acc, dst, other, uint64(stride), m.Give(d.x), m.Give32(d.offsets), uint64(d.step), uint64(d.tiles), m.Give(d.packed), m.Give32(start),
			uint64(d.height), uint64(d.steps), uint64(d.skip), table, kind, uint64(zero), uint64(least), uint64(most))
	}
	switch end {
	case stored:
		stride := 4*d.channels() + 4*rng.IntN(9)
		got := slices.Repeat([]byte{0xa5}, (rows-1)*stride+4*d.channels())
		want := slices.Clone(got)
		for i, sum := range d.sums {
			binary.LittleEndian.PutUint32(want[i/d.channels()*stride+4*(i%d.channels()):], uint32(sum))
		}
		if err := run(m.Give(got), 0, 0, stride, 0, 0, 0, 0); err != nil {
			return err
		}
		return difference(got, want)
	case shortened:
		q, stride := endtest.DrawShort(rng, d.sums, d.channels()), d.channels()+rng.IntN(2)*(1+rng.IntN(8))
		got := slices.Repeat([]byte{0xa5}, (rows-1)*stride+d.channels())
		want := slices.Clone(got)
		for i, sum := range d.sums {
			want[i/d.channels()*stride+i%d.channels()] = q.Code(sum, i%d.channels(), false)
		}
		start = q.Start(start)
		if err := run(0, m.Give(got), 0, stride, m.Give(q.Words()), 0, 0, q.Most); err != nil {
			return err
		}
		return difference(got, want)
	}
	q := endtest.Draw(rng, d.sums, d.channels(), end != requantized, end == withOther, true, 32, 43)
	got := slices.Repeat([]byte{0xa5}, (rows-1)*q.Stride+d.channels())
	want, other := slices.Clone(got), uint64(0)
	for i, sum := range d.sums {
		row, c := i/d.channels(), i%d.channels()
		want[row*q.Stride+c] = q.Code(sum, row, c)
	}
	if q.Codes {
		other = m.Give(q.Other)
	}
	if err := run(0, m.Give(got), other, q.Stride, m.Give(q.Table), q.Zero, q.Least, q.Most); err != nil {
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
