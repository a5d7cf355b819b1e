// SPDX-License-Identifier: Apache-2.0

package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/snappy"
)

// A Type is that of the values of a column that is written.
type Type int64

// The types, by their numbers in the format.
const (
	Int32  Type = typeInt32
	Double Type = 5
	Text   Type = typeBytes
)

// A Field is a column that is written, or a field of a list of structures.
type Field struct {
	Name     string
	Type     Type
	Optional bool    // may be missing in a row
	Elements []Field // makes it a list of structures with these fields, none of which is missing
}

// A Writer writes rows. What it has written is a file when it is closed, and not before.
type Writer struct {
	w       io.Writer
	fields  []Field
	leaves  []*leaf
	codec   int64
	most    int   // about how many bytes of values a group has
	at      int64 // bytes written
	held    int   // bytes of the rows of this group
	inGroup int64
	rows    int64
	groups  [][]byte // as the metadata say them
	err     error
}

// A leaf is a column of values, of the rows that are not written yet.
type leaf struct {
	Field
	path     []string
	list     bool
	values   []byte
	repeats  []byte // for each value of a list 0 if it is the first of its row, else 1
	presents []byte // 0 where a value is missing or a list empty, else 1
	given    int    // values of this row
}

// groupSize is the most of a Writer.
const groupSize = 16 << 20

// NewWriter writes the beginning of a file.
func NewWriter(w io.Writer, fields []Field) *Writer {
	p := &Writer{w: w, fields: fields, codec: codecSnappy, most: groupSize}
	for _, f := range fields {
		if f.Elements == nil {
			p.leaves = append(p.leaves, &leaf{Field: f, path: []string{f.Name}})
		}
		for _, e := range f.Elements {
			p.leaves = append(p.leaves, &leaf{Field: e, path: []string{f.Name, "list", "element", e.Name}, list: true})
		}
	}
	p.write([]byte(magic))
	return p
}

// Int gives the row a value in a column; columns count the fields, and of a list each of its own. A column
// of a list takes a value for each element.
func (p *Writer) Int(column int, v int32) {
	p.value(column, binary.LittleEndian.AppendUint32(p.leaves[column].values, uint32(v)))
}

// Double does the same with a fraction.
func (p *Writer) Double(column int, v float64) {
	p.value(column, binary.LittleEndian.AppendUint64(p.leaves[column].values, math.Float64bits(v)))
}

// Text does the same with text.
func (p *Writer) Text(column int, v string) {
	p.value(column, append(binary.LittleEndian.AppendUint32(p.leaves[column].values, uint32(len(v))), v...))
}

// value takes the values of a column with one more.
func (p *Writer) value(column int, values []byte) {
	c := p.leaves[column]
	p.held += len(values) - len(c.values)
	c.values = values
	c.entry(1)
	c.given++
}

// entry notes that a value is present or missing.
func (c *leaf) entry(present byte) {
	c.presents = append(c.presents, present)
	c.repeats = append(c.repeats, byte(min(c.given, 1)))
}

// EndRow ends a row. Columns that got no value are missing in it, or an empty list.
func (p *Writer) EndRow() error {
	for _, c := range p.leaves {
		switch {
		case c.given == 0 && !c.list && !c.Optional, c.given > 1 && !c.list:
			return fmt.Errorf("parquet: %d values of column %s in a row", c.given, c.Name)
		case c.given == 0:
			c.entry(0)
		}
		c.given = 0
	}
	p.inGroup++
	if p.held += len(p.leaves); p.held >= p.most {
		p.endGroup()
	}
	return p.err
}

// endGroup writes the rows of a group, a page for each column.
func (p *Writer) endGroup() {
	if p.inGroup == 0 {
		return
	}
	var chunks [][]byte
	total := int64(0)
	for _, c := range p.leaves {
		chunk, size := p.chunk(c)
		chunks = append(chunks, chunk)
		total += size
		*c = leaf{Field: c.Field, path: c.path, list: c.list}
	}
	var g maker
	g.structures(1, chunks)
	g.wide(2, total)
	g.wide(3, p.inGroup)
	p.groups = append(p.groups, g.end())
	p.rows += p.inGroup
	p.held, p.inGroup = 0, 0
}

// chunk writes a column of a group; it returns what the metadata say of it, and its bytes unpacked.
func (p *Writer) chunk(c *leaf) (said []byte, size int64) {
	var page []byte
	if c.list {
		page = appendLevels(page, c.repeats)
	}
	if c.list || c.Optional {
		page = appendLevels(page, c.presents)
	}
	page = append(page, c.values...)
	packed := page
	if p.codec == codecSnappy {
		packed = snappy.Encode(nil, page)
	}
	var data, head maker
	data.narrow(1, int64(len(c.presents)))
	data.narrow(2, encodingPlain)
	data.narrow(3, encodingRuns)
	data.narrow(4, encodingRuns)
	head.narrow(1, pageData)
	head.narrow(2, int64(len(page)))
	head.narrow(3, int64(len(packed)))
	head.structure(5, data.end())
	h := head.end()
	var meta, chunk maker
	meta.narrow(1, int64(c.Type))
	meta.integers(2, encodingPlain, encodingRuns)
	meta.texts(3, c.path)
	meta.narrow(4, p.codec)
	meta.wide(5, int64(len(c.presents)))
	meta.wide(6, int64(len(h)+len(page)))
	meta.wide(7, int64(len(h)+len(packed)))
	meta.wide(9, p.at)
	chunk.wide(2, p.at)
	chunk.structure(3, meta.end())
	p.write(h)
	p.write(packed)
	return chunk.end(), int64(len(h) + len(page))
}

// appendLevels appends levels of one bit as runs, after their length in bytes.
func appendLevels(page, levels []byte) []byte {
	at := len(page)
	page = append(page, 0, 0, 0, 0)
	for i := 0; i < len(levels); {
		j := i
		for j < len(levels) && levels[j] == levels[i] {
			j++
		}
		page = append(binary.AppendUvarint(page, uint64(j-i)<<1), levels[i])
		i = j
	}
	binary.LittleEndian.PutUint32(page[at:], uint32(len(page)-at-4))
	return page
}

// Close writes the metadata, without which nobody can read the rows.
func (p *Writer) Close() error {
	p.endGroup()
	var m maker
	m.narrow(1, 1)
	m.structures(2, p.schema())
	m.wide(3, p.rows)
	m.structures(4, p.groups)
	m.text(6, "goqat")
	metadata := m.end()
	p.write(metadata)
	p.write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(metadata))), magic...))
	return p.err
}

// Converted types of the format.
const (
	convertedText = 0
	convertedList = 3
)

// schema is the tree of columns, depth first.
func (p *Writer) schema() (list [][]byte) {
	node := func(name string, repetition, children, converted int64) {
		var e maker
		e.narrow(3, repetition)
		e.text(4, name)
		e.narrow(5, children)
		if converted >= 0 {
			e.narrow(6, converted)
		}
		list = append(list, e.end())
	}
	leaves := func(fields []Field) {
		for _, f := range fields {
			if f.Elements != nil {
				continue
			}
			var e maker
			e.narrow(1, int64(f.Type))
			e.narrow(3, repetitionOf(f))
			e.text(4, f.Name)
			if f.Type == Text {
				e.narrow(6, convertedText)
			}
			list = append(list, e.end())
		}
	}
	node("answers", 0, int64(len(p.fields)), -1)
	for i, f := range p.fields {
		leaves(p.fields[i : i+1])
		if f.Elements != nil {
			node(f.Name, 0, 1, convertedList)
			node("list", repetitionRepeated, 1, -1)
			node("element", 0, int64(len(f.Elements)), -1)
			leaves(f.Elements)
		}
	}
	return list
}

func repetitionOf(f Field) int64 {
	if f.Optional {
		return repetitionOptional
	}
	return 0
}

func (p *Writer) write(b []byte) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
		p.at += int64(len(b))
	}
}
