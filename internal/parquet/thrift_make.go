// SPDX-License-Identifier: Apache-2.0

package parquet

import "encoding/binary"

// A maker makes a structure of the compact protocol from its fields, in the order of their numbers.
type maker struct {
	b    []byte
	last int64
}

// field begins a field. Numbers of fields are less than 16 apart here.
func (m *maker) field(id int64, kind byte) {
	m.b = append(m.b, byte(id-m.last)<<4|kind)
	m.last = id
}

// narrow is an integer of 32 bits.
func (m *maker) narrow(id, v int64) {
	m.field(id, thriftInt32)
	m.b = binary.AppendVarint(m.b, v)
}

// wide is an integer of 64 bits.
func (m *maker) wide(id, v int64) {
	m.field(id, thriftInt64)
	m.b = binary.AppendVarint(m.b, v)
}

func (m *maker) text(id int64, s string) {
	m.field(id, thriftBinary)
	m.string(s)
}

func (m *maker) string(s string) { m.b = append(binary.AppendUvarint(m.b, uint64(len(s))), s...) }

// structure is a structure that another maker has ended.
func (m *maker) structure(id int64, s []byte) {
	m.field(id, thriftStruct)
	m.b = append(m.b, s...)
}

func (m *maker) structures(id int64, list [][]byte) {
	m.list(id, thriftStruct, len(list))
	for _, s := range list {
		m.b = append(m.b, s...)
	}
}

func (m *maker) texts(id int64, list []string) {
	m.list(id, thriftBinary, len(list))
	for _, s := range list {
		m.string(s)
	}
}

func (m *maker) integers(id int64, list ...int64) {
	m.list(id, thriftInt32, len(list))
	for _, v := range list {
		m.b = binary.AppendVarint(m.b, v)
	}
}

// list begins a list of n elements.
func (m *maker) list(id int64, kind byte, n int) {
	m.field(id, thriftList)
	if n < 15 {
		m.b = append(m.b, byte(n)<<4|kind)
		return
	}
	m.b = binary.AppendUvarint(append(m.b, 15<<4|kind), uint64(n))
}

// end ends the structure and returns it.
func (m *maker) end() []byte { return append(m.b, 0) }
