// SPDX-License-Identifier: Apache-2.0

package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// maxPage bounds the bytes of a page, packed or not.
const maxPage = 256 << 20

// maxDictionary bounds the values of a dictionary. Writers give a dictionary up at one MiB.
const maxDictionary = 1 << 20

// maxPageHead bounds the bytes of what is said of a page, statistics included.
const maxPageHead = 1 << 20

// A Value is that of a row in a column.
type Value struct {
	Missing bool
	Int     int64
	Bytes   []byte // valid until the next row
}

// Read calls visit with the value of each row of a group in a column, whose Kind is not Other, until it fails.
func (f *File) Read(group, column int, visit func(row int64, v Value) error) error {
	g, c := f.groups[group], f.Columns[column]
	p := &pages{r: f.r, chunk: g.chunks[column], column: c}
	rows := int64(0)
	err := p.each(func(v Value) error {
		if rows == g.rows {
			return errPages
		}
		rows++
		return visit(rows-1, v)
	}, func() bool { return rows == g.rows })
	if err != nil {
		return fmt.Errorf("parquet: column %s: %w", c.Name(), err)
	}
	return nil
}

var errPages = errors.New("damaged pages; get the file again")

// Types of pages, and encodings of their values.
const (
	pageData       = 0
	pageDictionary = 2
	pageData2      = 3

	encodingPlain           = 0
	encodingPlainDictionary = 2 // the old name of encodingDictionary
	encodingRuns            = 3 // of levels
	encodingDictionary      = 8
)

// pages are those of a chunk.
type pages struct {
	r io.ReaderAt
	chunk
	column     Column
	dictionary []Value
}

// A pageHead says what a page holds.
type pageHead struct {
	kind, size, packed int64 // size: unpacked
	values, encoding   int64
	levels, repeats    int64 // bytes of a page of the second version
	plain              bool  // a page of the second version whose values are not packed
}

// each calls visit with each value until done says that there are no more.
func (p *pages) each(visit func(Value) error, done func() bool) error {
	for !done() {
		head, err := p.head()
		if err != nil {
			return err
		}
		body := make([]byte, head.packed)
		if _, err := p.r.ReadAt(body, p.start); err != nil {
			return err
		}
		p.start += head.packed
		switch head.kind {
		case pageDictionary:
			if p.dictionary != nil {
				return errPages
			}
			err = p.readDictionary(head, body)
		case pageData:
			err = p.data(head, body, visit)
		case pageData2:
			err = p.data2(head, body, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// head reads the head of the next page, of at most the bytes that are left.
func (p *pages) head() (pageHead, error) {
	window := make([]byte, min(p.end-p.start, 1<<12))
	for {
		if _, err := p.r.ReadAt(window, p.start); err != nil {
			return pageHead{}, err
		}
		t := &thrift{b: window}
		h := t.pageHead()
		if t.err != nil && len(window) < maxPageHead && int64(len(window)) < p.end-p.start {
			window = make([]byte, min(p.end-p.start, int64(8*len(window)), maxPageHead))
			continue
		}
		p.start += int64(t.at)
		switch {
		case t.err != nil, h.packed < 0, h.packed > p.end-p.start, h.size < 0, h.values < 0:
			return h, errPages
		case h.size > maxPage || h.packed > maxPage:
			return h, fmt.Errorf("a page of %d MiB, more than %d; write smaller row groups", max(h.size, h.packed)>>20, maxPage>>20)
		}
		return h, nil
	}
}

func (t *thrift) pageHead() pageHead {
	var h pageHead
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftInt32:
			h.kind = t.integer()
		case id == 2 && kind == thriftInt32:
			h.size = t.integer()
		case id == 3 && kind == thriftInt32:
			h.packed = t.integer()
		case (id == 5 || id == 7) && kind == thriftStruct: // data, dictionary
			t.fields(func(id int64, kind byte) { h.content(t, id, kind) })
		case id == 8 && kind == thriftStruct:
			t.fields(func(id int64, kind byte) { h.content2(t, id, kind) })
		default:
			t.skip(kind)
		}
	})
	return h
}

// content reads a field of what is said of the values of a page.
func (h *pageHead) content(t *thrift, id int64, kind byte) {
	switch {
	case id == 1 && kind == thriftInt32:
		h.values = t.integer()
	case id == 2 && kind == thriftInt32:
		h.encoding = t.integer()
	default:
		t.skip(kind)
	}
}

// content2 is content of a page of the second version.
func (h *pageHead) content2(t *thrift, id int64, kind byte) {
	switch {
	case id == 1 && kind == thriftInt32:
		h.values = t.integer()
	case id == 4 && kind == thriftInt32:
		h.encoding = t.integer()
	case id == 5 && kind == thriftInt32:
		h.levels = t.integer()
	case id == 6 && kind == thriftInt32:
		h.repeats = t.integer()
	case id == 7:
		h.plain = kind == thriftFalse
	default:
		t.skip(kind)
	}
}

// readDictionary reads the values that indices stand for.
func (p *pages) readDictionary(h pageHead, body []byte) error {
	body, err := p.unpack(body, h.size)
	if err != nil {
		return err
	}
	if h.values > maxDictionary {
		return fmt.Errorf("a dictionary of %d values, more than %d; write the column without one", h.values, maxDictionary)
	}
	p.dictionary = []Value{}
	return p.plain(body, h.values, func(v Value) error {
		p.dictionary = append(p.dictionary, v)
		return nil
	})
}

// data reads a page of the first version: levels and values packed together.
func (p *pages) data(h pageHead, body []byte, visit func(Value) error) error {
	body, err := p.unpack(body, h.size)
	if err != nil {
		return err
	}
	var levels []byte
	if p.column.optional > 0 {
		if len(body) < 4 {
			return errPages
		}
		n := int64(binary.LittleEndian.Uint32(body))
		if n > int64(len(body)-4) {
			return errPages
		}
		levels, body = body[4:4+n], body[4+n:]
	}
	return p.values(h, levels, body, visit)
}

// data2 reads a page of the second version: levels, then values, which alone are packed.
func (p *pages) data2(h pageHead, body []byte, visit func(Value) error) error {
	if h.levels < 0 || h.repeats != 0 || h.levels > int64(len(body)) || h.levels > h.size {
		return errPages
	}
	levels, body := body[:h.levels], body[h.levels:]
	if !h.plain {
		var err error
		if body, err = p.unpack(body, h.size-h.levels); err != nil {
			return err
		}
	}
	return p.values(h, levels, body, visit)
}

// values reads the values of a page. Levels say which are there: those of the highest level.
func (p *pages) values(h pageHead, levels, body []byte, visit func(Value) error) error {
	present := runs{b: levels, width: bits.Len(uint(p.column.optional))}
	next, err := p.decoder(h.encoding, body)
	if err != nil {
		return err
	}
	for range h.values {
		v := Value{Missing: true}
		level := uint64(p.column.optional)
		if p.column.optional > 0 {
			if level, err = present.next(); err != nil {
				return err
			}
		}
		if level == uint64(p.column.optional) {
			if v, err = next(); err != nil {
				return err
			}
		}
		if err := visit(v); err != nil {
			return err
		}
	}
	return nil
}

// decoder returns what reads one value after the other.
func (p *pages) decoder(encoding int64, body []byte) (func() (Value, error), error) {
	switch encoding {
	case encodingPlain:
		return func() (v Value, err error) {
			v, body, err = p.one(body)
			return v, err
		}, nil
	case encodingPlainDictionary, encodingDictionary:
		if len(body) == 0 { // nothing but missing values
			return func() (Value, error) { return Value{}, errPages }, nil
		}
		index := runs{b: body[1:], width: int(body[0])}
		return func() (Value, error) {
			i, err := index.next()
			if err != nil || i >= uint64(len(p.dictionary)) {
				return Value{}, errPages
			}
			return p.dictionary[i], nil
		}, nil
	}
	return nil, fmt.Errorf("values in encoding %d of the format, which is not read; write the file with the defaults of pyarrow", encoding)
}

// plain calls visit with n values that follow one another.
func (p *pages) plain(body []byte, n int64, visit func(Value) error) error {
	for range n {
		v, rest, err := p.one(body)
		if err != nil {
			return err
		}
		if err := visit(v); err != nil {
			return err
		}
		body = rest
	}
	return nil
}

// one reads a value from the beginning of body.
func (p *pages) one(body []byte) (v Value, rest []byte, err error) {
	switch {
	case p.column.Kind == Int && p.column.wide && len(body) >= 8:
		return Value{Int: int64(binary.LittleEndian.Uint64(body))}, body[8:], nil
	case p.column.Kind == Int && !p.column.wide && len(body) >= 4:
		return Value{Int: int64(int32(binary.LittleEndian.Uint32(body)))}, body[4:], nil
	case p.column.Kind == Bytes && len(body) >= 4:
		if n := int64(binary.LittleEndian.Uint32(body)); n <= int64(len(body)-4) {
			return Value{Bytes: body[4 : 4+n]}, body[4+n:], nil
		}
	}
	return Value{}, nil, errPages
}

// Codecs of the format.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecZstd   = 6
)

// unzstd is the decoder of all pages.
var unzstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage))
})

// unpack unpacks a page of size bytes.
func (p *pages) unpack(body []byte, size int64) ([]byte, error) {
	out, err := p.unpacked(body, size)
	if err == nil && int64(len(out)) != size {
		err = errPages
	}
	return out, err
}

func (p *pages) unpacked(body []byte, size int64) ([]byte, error) {
	switch p.codec {
	case codecNone:
		return body, nil
	case codecSnappy:
		if n, err := snappy.DecodedLen(body); err != nil || int64(n) != size {
			return nil, errPages
		}
		return snappy.Decode(nil, body)
	case codecGzip:
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(z, size+1))
	case codecZstd:
		z, err := unzstd()
		if err != nil {
			return nil, err
		}
		return z.DecodeAll(body, nil)
	}
	return nil, fmt.Errorf("packed by codec %d of the format, which is not read; use snappy, gzip or zstd", p.codec)
}

// runs are small numbers of so many bits each, in the hybrid of run lengths and packed bits of the format.
type runs struct {
	b     []byte
	width int

	left   uint64 // numbers of the run
	same   bool   // all of them are value
	value  uint64
	packed []byte
	at     int // bits of packed that were read
}

func (r *runs) next() (uint64, error) {
	if r.left == 0 {
		if err := r.run(); err != nil {
			return 0, err
		}
	}
	r.left--
	if r.same {
		return r.value, nil
	}
	var v uint64
	for k := range r.width {
		v |= uint64(r.packed[r.at/8]>>(r.at%8)&1) << k
		r.at++
	}
	return v, nil
}

// run reads the head of a run.
func (r *runs) run() error {
	head, n := binary.Uvarint(r.b)
	if n <= 0 || r.width > 32 {
		return errPages
	}
	r.b = r.b[n:]
	r.left, r.same = head>>1, head&1 == 0
	size := uint64(r.width+7) / 8
	if !r.same { // groups of eight
		if r.left > uint64(len(r.b)) && r.width > 0 {
			return errPages
		}
		size, r.left = r.left*uint64(r.width), r.left*8
	}
	if r.left == 0 || size > uint64(len(r.b)) {
		return errPages
	}
	r.packed, r.at, r.value = r.b[:size], 0, 0
	if r.same {
		for k, b := range r.packed {
			r.value |= uint64(b) << (8 * k)
		}
	}
	r.b = r.b[size:]
	return nil
}
