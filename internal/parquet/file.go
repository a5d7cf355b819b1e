// SPDX-License-Identifier: Apache-2.0

package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

const (
	magic          = "PAR1"
	encryptedMagic = "PARE"
	maxFooter      = 64 << 20 // bytes of the metadata of a file
	maxColumns     = 1 << 12
)

// A Kind says what the values of a column are.
type Kind int

// The kinds of columns.
const (
	Other Kind = iota // is not read: fractions, lists and so on
	Int               // whole numbers of 32 or 64 bits
	Bytes             // byte strings, among them text
)

// A Column is one of the columns that hold values.
type Column struct {
	Path []string // names of the structures it is in, then its own
	Kind Kind

	wide     bool // an Int of 64 bits
	optional int  // how many of Path may be missing
}

// Name is the path, divided by dots.
func (c Column) Name() string { return strings.Join(c.Path, ".") }

// A File is an open Parquet file.
type File struct {
	Columns  []Column
	Metadata map[string]string // what a writer noted beside the columns
	Rows     int64
	Groups   int // runs of rows, which are read one by one

	r      io.ReaderAt
	groups []group
}

// A group is a run of rows.
type group struct {
	rows   int64
	chunks []chunk
}

// A chunk is the values of a column in a group.
type chunk struct {
	codec      int64
	values     int64
	start, end int64 // in the file
}

// Values returns the number of values of a column: one for each row, but of a list one for each of its elements, or one that
// is missing where it has none.
func (f *File) Values(column int) (n int64) {
	for _, g := range f.groups {
		n += g.chunks[column].values
	}
	return n
}

// Open reads the metadata of a file of size bytes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	footer, err := readFooter(r, size)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	f := &File{r: r, Metadata: map[string]string{}}
	t := &thrift{b: footer}
	var schema []element
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 2 && kind == thriftList:
			t.list(thriftStruct, func() { schema = append(schema, t.element()) })
		case id == 3 && kind == thriftInt64:
			f.Rows = t.integer()
		case id == 4 && kind == thriftList:
			t.list(thriftStruct, func() { f.groups = append(f.groups, t.group()) })
		case id == 5 && kind == thriftList:
			t.list(thriftStruct, func() { t.keyValue(f.Metadata) })
		default:
			t.skip(kind)
		}
	})
	if t.err != nil {
		return nil, fmt.Errorf("parquet: %w; get the file again", t.err)
	}
	f.Groups = len(f.groups)
	if f.Columns, err = columns(schema); err == nil {
		err = f.check(size)
	}
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return f, nil
}

// readFooter reads the metadata, which are at the end of a file.
func readFooter(r io.ReaderAt, size int64) ([]byte, error) {
	var head [len(magic)]byte
	var end [4 + len(magic)]byte
	if size < int64(len(head)+len(end)) {
		return nil, errors.New("no Parquet file: too short")
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := r.ReadAt(end[:], size-int64(len(end))); err != nil {
		return nil, err
	}
	switch string(head[:]) + string(end[4:]) {
	case magic + magic:
	case encryptedMagic + encryptedMagic, magic + encryptedMagic:
		return nil, errors.New("an encrypted file; write it without encryption")
	default:
		return nil, errors.New("no Parquet file, or one cut short; get it again")
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > maxFooter || n > size-int64(len(head)+len(end)) {
		return nil, fmt.Errorf("metadata of %d bytes in a file of %d; get it again", n, size)
	}
	footer := make([]byte, n)
	_, err := r.ReadAt(footer, size-int64(len(end))-n)
	return footer, err
}

// An element is a node of the tree of columns, in depth first order.
type element struct {
	name       string
	kind       int64 // of a leaf
	repetition int64
	children   int64
}

func (t *thrift) element() element {
	e := element{kind: -1}
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftInt32:
			e.kind = t.integer()
		case id == 3 && kind == thriftInt32:
			e.repetition = t.integer()
		case id == 4 && kind == thriftBinary:
			e.name = string(t.bytes())
		case id == 5 && kind == thriftInt32:
			e.children = t.integer()
		default:
			t.skip(kind)
		}
	})
	return e
}

func (t *thrift) keyValue(into map[string]string) {
	var key, value string
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftBinary:
			key = string(t.bytes())
		case id == 2 && kind == thriftBinary:
			value = string(t.bytes())
		default:
			t.skip(kind)
		}
	})
	into[key] = value
}

func (t *thrift) group() group {
	var g group
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftList:
			t.list(thriftStruct, func() { g.chunks = append(g.chunks, t.chunk()) })
		case id == 3 && kind == thriftInt64:
			g.rows = t.integer()
		default:
			t.skip(kind)
		}
	})
	return g
}

// chunk reads where the values of a column are. Its dictionary, where there is one, comes first.
func (t *thrift) chunk() chunk {
	c := chunk{start: -1}
	var dictionary, size int64
	meta := func(id int64, kind byte) {
		switch {
		case id == 4 && kind == thriftInt32:
			c.codec = t.integer()
		case id == 5 && kind == thriftInt64:
			c.values = t.integer()
		case id == 7 && kind == thriftInt64:
			size = t.integer()
		case id == 9 && kind == thriftInt64:
			c.start = t.integer()
		case id == 11 && kind == thriftInt64:
			dictionary = t.integer()
		default:
			t.skip(kind)
		}
	}
	t.fields(func(id int64, kind byte) {
		switch {
		case id == 1 && kind == thriftBinary && len(t.bytes()) > 0: // in another file
			t.fail()
		case id == 1 && kind == thriftBinary:
		case id == 3 && kind == thriftStruct:
			t.fields(meta)
		default:
			t.skip(kind)
		}
	})
	if dictionary > 0 {
		c.start = min(c.start, dictionary)
	}
	if c.start < 0 || size < 0 || size > math.MaxInt64-c.start {
		t.fail()
	}
	c.end = c.start + size
	return c
}

// Physical types and repetitions of the format.
const (
	typeInt32 = 1
	typeInt64 = 2
	typeBytes = 6

	repetitionOptional = 1
	repetitionRepeated = 2
)

// columns are the leaves of the tree of columns.
func columns(schema []element) ([]Column, error) {
	if len(schema) == 0 || len(schema) > maxColumns {
		return nil, fmt.Errorf("%d columns; want 1 to %d", len(schema), maxColumns)
	}
	var list []Column
	at := 1
	var below func(parent Column, n int64, repeated bool) error
	below = func(parent Column, n int64, repeated bool) error {
		for range n {
			if at >= len(schema) || len(parent.Path) > maxDepth {
				return errDamaged
			}
			e := schema[at]
			at++
			c := Column{Path: append(parent.Path[:len(parent.Path):len(parent.Path)], e.name), optional: parent.optional}
			if e.repetition == repetitionOptional {
				c.optional++
			}
			repeated := repeated || e.repetition == repetitionRepeated
			if e.children > 0 {
				if err := below(c, e.children, repeated); err != nil {
					return err
				}
				continue
			}
			if !repeated {
				c.Kind, c.wide = kindOf(e.kind)
			}
			list = append(list, c)
		}
		return nil
	}
	if err := below(Column{}, schema[0].children, false); err != nil {
		return nil, err
	}
	if at != len(schema) {
		return nil, errDamaged
	}
	return list, nil
}

func kindOf(physical int64) (kind Kind, wide bool) {
	switch physical {
	case typeInt32:
		return Int, false
	case typeInt64:
		return Int, true
	case typeBytes:
		return Bytes, false
	}
	return Other, false
}

// check holds the groups against the columns and the bytes of the file.
func (f *File) check(size int64) error {
	var rows int64
	for _, g := range f.groups {
		if len(g.chunks) != len(f.Columns) || g.rows < 0 || g.rows > f.Rows-rows {
			return fmt.Errorf("%w; get the file again", errDamaged)
		}
		rows += g.rows
		for _, c := range g.chunks {
			if c.end > size {
				return errors.New("a file cut short; get it again")
			}
		}
	}
	if rows != f.Rows {
		return fmt.Errorf("%w; get the file again", errDamaged)
	}
	return nil
}
