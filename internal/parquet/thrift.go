// SPDX-License-Identifier: Apache-2.0

package parquet

import (
	"encoding/binary"
	"errors"
)

// Types of Thrift's compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// maxDepth bounds how deep structures lie in one another.
const maxDepth = 16

var errDamaged = errors.New("damaged metadata")

// A thrift reads values of the compact protocol from bytes. The first error stays, and everything read then is zero.
type thrift struct {
	b     []byte
	at    int
	depth int
	err   error
}

func (t *thrift) fail() { t.err = errDamaged }

func (t *thrift) byte() byte {
	if t.err != nil || t.at >= len(t.b) {
		t.fail()
		return 0
	}
	t.at++
	return t.b[t.at-1]
}

func (t *thrift) unsigned() uint64 {
	if t.err != nil {
		return 0
	}
	v, n := binary.Uvarint(t.b[t.at:])
	if n <= 0 {
		t.fail()
		return 0
	}
	t.at += n
	return v
}

// integer reads an integer of any width.
func (t *thrift) integer() int64 {
	v := t.unsigned()
	return int64(v>>1) ^ -int64(v&1)
}

// bytes reads a byte string, which shares the memory of t.
func (t *thrift) bytes() []byte {
	n := t.unsigned()
	if t.err != nil || n > uint64(len(t.b)-t.at) {
		t.fail()
		return nil
	}
	t.at += int(n)
	return t.b[t.at-int(n) : t.at]
}

// fields calls read with the number and the type of each field of a structure; read reads the field or skips it.
func (t *thrift) fields(read func(id int64, kind byte)) {
	if t.depth++; t.depth > maxDepth {
		t.fail()
	}
	id := int64(0)
	for t.err == nil {
		head := t.byte()
		if head == 0 {
			break
		}
		if step := int64(head >> 4); step != 0 {
			id += step
		} else {
			id = t.integer()
		}
		read(id, head&15)
	}
	t.depth--
}

// list calls read for each element of a list of the given type.
func (t *thrift) list(kind byte, read func()) {
	of, n := t.listHead()
	if of != kind && n > 0 {
		t.fail()
	}
	for i := uint64(0); i < n && t.err == nil; i++ {
		read()
	}
}

// listHead reads the type and the number of the elements of a list. Every element takes a byte at least.
func (t *thrift) listHead() (kind byte, n uint64) {
	head := t.byte()
	if n = uint64(head >> 4); n == 15 {
		n = t.unsigned()
	}
	if n > uint64(len(t.b)-t.at) {
		t.fail()
	}
	return head & 15, n
}

// skip passes over a value.
func (t *thrift) skip(kind byte) {
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case thriftInt16, thriftInt32, thriftInt64:
		t.unsigned()
	case thriftDouble:
		for range 8 {
			t.byte()
		}
	case thriftBinary:
		t.bytes()
	case thriftList, thriftSet:
		t.skipList()
	case thriftMap:
		t.skipMap()
	case thriftStruct:
		t.fields(func(_ int64, kind byte) { t.skip(kind) })
	default:
		t.fail()
	}
}

func (t *thrift) skipList() {
	if t.depth++; t.depth > maxDepth {
		t.fail()
	}
	kind, n := t.listHead()
	for i := uint64(0); i < n && t.err == nil; i++ {
		t.skipElement(kind)
	}
	t.depth--
}

func (t *thrift) skipMap() {
	if t.depth++; t.depth > maxDepth {
		t.fail()
	}
	n := t.unsigned()
	if n > uint64(len(t.b)-t.at) {
		t.fail()
	}
	var kinds byte
	if n > 0 {
		kinds = t.byte()
	}
	for i := uint64(0); i < n && t.err == nil; i++ {
		t.skipElement(kinds >> 4)
		t.skipElement(kinds & 15)
	}
	t.depth--
}

// skipElement passes over an element of a list or a map, where truth takes a byte of its own.
func (t *thrift) skipElement(kind byte) {
	if kind == thriftTrue || kind == thriftFalse {
		kind = thriftByte
	}
	t.skip(kind)
}
