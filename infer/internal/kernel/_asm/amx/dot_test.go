// SPDX-License-Identifier: Apache-2.0

package amx

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel/_asm/endtest"
	"github.com/goqat/goqat/internal/_asm/machine"
	. "github.com/goqat/goqat/internal/_asm/tile"
)

// A drawn is a product with all that it reads, and what it is to write.
type drawn struct {
	product
	rows, depth            int // of a tile; of a slice, in bytes
	blocks, panels, slices int
	stride, pitch          int // of codes; of weights

	x       []byte
	offsets []int32
	deltas  []int32
	weights []byte // [16 channels][slice][depth/4][16][4]
	start   []int32
	sums    []int32 // [row][channel]: what is right
}

func (d *drawn) channels() int { return 16 * d.n * d.panels }
func (d *drawn) height() int   { return d.blocks * d.m * d.rows }

// draw returns a random product. Blocks are few or many, and so are the quads, one a row or two, that finish with each slice of a block.
func draw(rng *rand.Rand, p product) *drawn {
	d := &drawn{product: p, rows: 1 + rng.IntN(16), depth: 4 * (1 + rng.IntN(16)), blocks: 1 + rng.IntN(5), panels: 1 + rng.IntN(2)}
	if p.end.pools {
		d.rows = min(16, 2*(1+rng.IntN(16)))
	}
	d.slices = max(1, d.rows>>rng.IntN(5))
	if rng.IntN(3) == 0 {
		d.slices = 1 + rng.IntN(5)
	}
	d.stride = rng.IntN(70)
	length := 0
	for range d.blocks * d.m {
		d.offsets = append(d.offsets, rng.Int32N(100))
	}
	at := int32(0)
	for range d.slices {
		next := rng.Int32N(100)
		d.deltas = append(d.deltas, next-at)
		length = max(length, int(next+slices.Max(d.offsets))+(d.rows-1)*d.stride+d.depth)
		at = next
	}
	for range length {
		d.x = append(d.x, byte(rng.Uint32()))
	}
	d.pitch = d.slices*d.depth*16 + 64*rng.IntN(2)
	for range (d.channels()/16-1)*d.pitch + d.slices*d.depth*16 {
		d.weights = append(d.weights, byte(rng.Uint32()))
	}
	for range d.channels() {
		d.start = append(d.start, rng.Int32N(1<<20)-1<<19)
	}
	d.sum()
	return d
}

// sum computes the sums as they are defined. Those that become codes have their start in the constants.
func (d *drawn) sum() {
	for row := range d.height() {
		for c := range d.channels() {
			sum := int32(0)
			if d.end == sums {
				sum = d.start[c]
			}
			at := int(d.offsets[row/d.rows]) + row%d.rows*d.stride
			for s := range d.slices {
				at += int(d.deltas[s])
				w := d.weights[c/16*d.pitch+s*d.depth*16+c%16*4:]
				for k := range d.depth {
					sum += int32(d.x[at+k]) * int32(int8(w[k/4*64+k%4]))
				}
			}
			d.sums = append(d.sums, sum)
		}
	}
}

// config returns the configuration of the tiles: those of codes come after four of sums.
func (d *drawn) config() []byte {
	codes := map[int]int{1: 1, 2: 2, 4: 3}[d.m]
	config := make([]byte, 64)
	config[0] = 1
	for t := range 8 {
		wide, rows := 64, d.rows
		switch {
		case t < 4:
		case t < 4+codes:
			wide = d.depth
		default:
			rows = d.depth / 4
		}
		config[16+2*t], config[48+t] = byte(wide), byte(rows)
	}
	return config
}

// compare runs a product and compares what it writes, and that it writes nothing else.
func (d *drawn) compare(m *machine.Machine, rng *rand.Rand) error {
	values := map[string]uint64{
		"config": m.Give(d.config()), "x": m.Give(d.x), "xStride": uint64(d.stride), "offsets": m.Give32(d.offsets), "blocks": uint64(d.blocks),
		"w": m.Give(d.weights), "pitch": uint64(d.pitch), "deltas": m.Give32(d.deltas), "slices": uint64(d.slices), "panels": uint64(d.panels),
		"wTile": uint64(16 * d.depth),
	}
	var got, want []byte
	switch d.end {
	case sums:
		got, want = d.store(m, rng, values)
	case signs:
		got, want = d.compareSums(m, rng, values)
	case short, shortPool:
		got, want = d.finishShort(m, rng, values)
	default:
		got, want = d.finish(m, rng, values)
	}
	values["scratch"] = m.Give(slices.Repeat([]byte{0xa5}, 15<<10))
	values["scratchTile"], values["quads"] = uint64(64*d.n*d.rows), uint64(d.m*d.n*d.rows/4)
	if d.end.pools {
		values["quads"] = uint64(d.rows / 2)
	}
	var list []byte
	for _, f := range fields {
		list = binary.LittleEndian.AppendUint64(list, values[f.name])
	}
	if err := m.Run(d.name(), m.Give(list)); err != nil {
		return err
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("byte %d is %d, want %d", i, got[i], want[i])
		}
	}
	return nil
}

// store adds the arguments of sums, and returns where they are written and what is right.
func (d *drawn) store(m *machine.Machine, rng *rand.Rand, values map[string]uint64) (got, want []byte) {
	stride := 4*d.channels() + 4*rng.IntN(9)
	got = slices.Repeat([]byte{0xa5}, (d.height()-1)*stride+4*d.channels())
	want = slices.Clone(got)
	for i, sum := range d.sums {
		binary.LittleEndian.PutUint32(want[i/d.channels()*stride+4*(i%d.channels()):], uint32(sum))
	}
	values["start"], values["acc"] = m.Give32(d.start), m.Give(got)
	values["accStride"], values["accTile"] = uint64(stride), uint64(d.rows*stride)
	return got, want
}

// finish adds the arguments of codes, and returns where they are written and what is right.
func (d *drawn) finish(m *machine.Machine, rng *rand.Rand, values map[string]uint64) (got, want []byte) {
	sums, rows := d.results()
	least, most, shifts := 33, 40+3*rng.IntN(2), 1
	if rng.IntN(3) == 0 {
		least, most, shifts = 32, 32, 0
	}
	q := endtest.Draw(rng, sums, d.channels(), false, d.end == wideCodes, false, least, most)
	got = slices.Repeat([]byte{0xa5}, (rows-1)*q.Stride+d.channels())
	want = slices.Clone(got)
	for i, sum := range sums {
		row, c := i/d.channels(), i%d.channels()
		want[row*q.Stride+c] = q.Code(sum, row, c)
	}
	powers := rng.IntN(2)
	values["powers"] = uint64(powers)
	if q.Tiles(powers > 0) {
		shifts = 2
	}
	values["shifts"] = uint64(shifts)
	values["dst"], values["dstStride"] = m.Give(got), uint64(q.Stride)
	if d.end == wideCodes {
		values["other"] = m.Give(q.Other)
	}
	values["table"], values["tableStep"] = m.Give(q.Table), uint64(64*d.end.vectors*d.n)
	values["least"], values["most"] = uint64(q.Least), uint64(q.Most)
	if q.Least > 0 {
		values["clamps"] = ^uint64(0)
	} else if q.Most < 255 {
		values["clamps"] = 1
	}
	return got, want
}

// compareSums adds the arguments of signs, and returns where they are written and what is right. Each channel has the sum of a row
// as a bound, or the sum before it.
func (d *drawn) compareSums(m *machine.Machine, rng *rand.Rand, values map[string]uint64) (got, want []byte) {
	stride := d.channels() + rng.IntN(2)*(1+rng.IntN(8))
	got = slices.Repeat([]byte{0xa5}, (d.height()-1)*stride+d.channels())
	want = slices.Clone(got)
	var last, count [16]int32
	var table []byte
	for c := range d.channels() {
		bound := d.sums[rng.IntN(d.height())*d.channels()+c] - rng.Int32N(2)
		last[c%16], count[c%16] = bound, rng.Int32N(1<<20)
		if rng.IntN(2) == 0 {
			last[c%16], count[c%16] = bound+count[c%16], count[c%16]+rng.Int32N(2)
		}
		for row := range d.height() {
			sum := d.sums[row*d.channels()+c]
			want[row*stride+c] = 0
			if sum <= last[c%16] && sum >= last[c%16]-count[c%16] {
				want[row*stride+c] = 1
			}
		}
		if c%16 == 15 {
			for _, n := range slices.Concat(last[:], count[:]) {
				table = binary.LittleEndian.AppendUint32(table, uint32(n))
			}
		}
	}
	values["dst"], values["dstStride"] = m.Give(got), uint64(stride)
	values["table"], values["tableStep"] = m.Give(table), uint64(64*d.end.vectors*d.n)
	return got, want
}

// finishShort adds the arguments of a short end, and returns where codes are written and what is right.
func (d *drawn) finishShort(m *machine.Machine, rng *rand.Rand, values map[string]uint64) (got, want []byte) {
	sums, rows := d.results()
	stride := d.channels() + rng.IntN(2)*(1+rng.IntN(8))
	got = slices.Repeat([]byte{0xa5}, (rows-1)*stride+d.channels())
	want = slices.Clone(got)
	q := endtest.DrawShort(rng, sums, d.channels())
	for i, sum := range sums {
		row, c := i/d.channels(), i%d.channels()
		want[row*stride+c] = q.Code(sum, c, true)
	}
	values["dst"], values["dstStride"] = m.Give(got), uint64(stride)
	values["table"], values["tableStep"] = m.Give(q.Table), uint64(64*d.end.vectors*d.n)
	values["most"] = uint64(q.Most)
	return got, want
}

// results returns the sums that become codes, and how many rows there are.
func (d *drawn) results() (sums []int32, rows int) {
	if d.end.pools {
		return d.greatest(), d.height() / 4
	}
	return d.sums, d.height()
}

// greatest returns the greatest sums of two rows after each other in two tiles of rows.
func (d *drawn) greatest() (list []int32) {
	n := d.channels()
	for first := 0; first < d.height(); first += 2 * d.rows {
		for row := first; row < first+d.rows; row += 2 {
			for c := range n {
				at := row*n + c
				list = append(list, max(d.sums[at], d.sums[at+n], d.sums[at+d.rows*n], d.sums[at+(d.rows+1)*n]))
			}
		}
	}
	return list
}

// TestDot runs every instruction of every product in a machine that has no memory but what the product may touch, and whose tiles are checked as a
// processor checks them, and compares it with the definition.
func TestDot(t *testing.T) {
	m := newMachine(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range products {
		for round := 0; round < 16 || round < 400 && len(m.Missed(p.name())) > 0; round++ {
			d := draw(rng, p)
			if err := d.compare(m, rng); err != nil {
				t.Errorf("%s, tiles of %d rows of %d bytes, %d blocks, %d panels, %d slices: %v", p.name(), d.rows, d.depth, d.blocks, d.panels, d.slices, err)
			}
			m.Reset()
		}
		if missed := m.Missed(p.name()); len(missed) > 0 {
			t.Errorf("%d instructions of %s did not run, such as %s", len(missed), p.name(), missed[0])
		}
	}
}

// newMachine returns a machine with the generated functions.
func newMachine(t *testing.T) *machine.Machine {
	t.Helper()
	files, err := filepath.Glob("../../amx/*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated files: %v", err)
	}
	m, err := machine.New(files...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPeak runs the products in registers.
func TestPeak(t *testing.T) {
	m := newMachine(t)
	d := drawn{product: product{m: 2, n: 2}, rows: 16, depth: 64}
	if err := m.Run("peak", m.Give(d.config()), 3); err != nil {
		t.Error(err)
	}
}

// TestRow compares the product of a row with its definition.
func TestRow(t *testing.T) {
	m := newMachine(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, panels := range []int{1, 2, 3, 7, 8, 15, 19} {
		steps := 1 + rng.IntN(9)
		pitch := 64 * (steps + rng.IntN(2))
		x, weights := make([]byte, 4*steps), make([]byte, (panels-1)*pitch+64*steps)
		for i := range x {
			x[i] = byte(rng.Uint32())
		}
		for i := range weights {
			weights[i] = byte(rng.Uint32())
		}
		start, got := make([]int32, 16*panels), make([]byte, 64*panels)
		for c := range start {
			start[c] = rng.Int32()
		}
		if err := m.Run("dotRow", m.Give(got), m.Give32(start), m.Give(x), m.Give(weights), uint64(pitch), uint64(steps), uint64(panels)); err != nil {
			t.Fatal(err)
		}
		for c, want := range start {
			for k, q := range x {
				want += int32(q) * int32(int8(weights[c/16*pitch+k/4*64+c%16*4+k%4]))
			}
			if sum := int32(binary.LittleEndian.Uint32(got[4*c:])); sum != want {
				t.Fatalf("%d panels of %d steps: channel %d is %d, want %d", panels, steps, c, sum, want)
			}
		}
		m.Reset()
	}
	if missed := m.Missed("dotRow"); len(missed) > 0 {
		t.Errorf("%d instructions did not run, such as %s", len(missed), missed[0])
	}
}

// TestCommitted compares the files of the package with what the generators write.
func TestCommitted(t *testing.T) {
	for name, emit := range Files {
		var f File
		emit(&f)
		dir := t.TempDir()
		written := []string{filepath.Join(dir, "a.s"), filepath.Join(dir, "a.go")}
		if err := f.Write(written[0], written[1], "amx"); err != nil {
			t.Fatal(err)
		}
		for i, committed := range []string{"../../amx/" + name + "_amd64.s", "../../amx/" + name + "_stubs_amd64.go"} {
			if generated, there := body(t, written[i]), body(t, committed); generated != there {
				t.Errorf("%s is not what is generated now: go generate ./infer/internal/kernel/amx", committed)
			}
		}
	}
}

// body returns what a file holds after its license and the command that wrote it.
func body(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "DO NOT EDIT.\n")
	if !ok {
		t.Fatalf("%s is not generated", name)
	}
	return after
}
