// SPDX-License-Identifier: Apache-2.0

// Package safetensors reads and writes safetensors files: an 8-byte little-endian header length, a JSON header with
// text metadata and the name, type, shape and place of each tensor, then the tensors' bytes without gaps.
//
// A file can carry a digest of itself: its header then starts
//
//	{"__metadata__":{"sha256":"<64 lower-case hex digits>"
//
// with the SHA-256 of the whole file in which each of these 64 digits is the character 0, so that no changed byte goes
// unnoticed. Any other reader of the format sees an ordinary metadata entry.
package safetensors

import "errors"

// ErrDigest is the error, wrapped, of a file whose bytes do not have the digest it carries.
var ErrDigest = errors.New("the content does not match its SHA-256 digest, the file is corrupted")

const (
	// maxHeader is the longest header that the format's other readers accept.
	maxHeader = 100_000_000
	// maxEntries bounds the tensors and the metadata entries of a file, maxRank the sizes in a shape: what is held of a
	// header before it proves valid stays small.
	maxEntries = 8192
	maxRank    = 8
	// maxBytes bounds the size of one tensor, far below any overflow.
	maxBytes = 1 << 48
	maxInt   = int(^uint(0) >> 1)
	// alignment of the first tensor in the file, by spaces at the end of the header.
	alignment = 64

	metadataKey  = "__metadata__"
	digestKey    = "sha256"
	digestPrefix = `{"__metadata__":{"sha256":"`
	noDigest     = "0000000000000000000000000000000000000000000000000000000000000000"
)

// A File is the content of a safetensors file.
type File struct {
	Digest   string     // read: the SHA-256 it carries and has, 64 hex digits; "" without one
	Metadata []Metadata // in the order of the file, the digest apart; keys are unique
	Tensors  []Tensor   // in the order of their data; names are unique
}

// Metadata is one text entry of a file.
type Metadata struct{ Key, Value string }

// A Tensor is a named array in row-major order, elements little-endian.
type Tensor struct {
	Name  string
	DType string // F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL
	Shape []int  // empty for a scalar
	Data  []byte // exactly as many bytes as type and shape ask for
}

// Value returns the metadata entry with the given key, and whether there is one.
func (f *File) Value(key string) (string, bool) {
	for _, m := range f.Metadata {
		if m.Key == key {
			return m.Value, true
		}
	}
	return "", false
}

// Tensor returns the tensor with the given name, nil if there is none.
func (f *File) Tensor(name string) *Tensor {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i]
		}
	}
	return nil
}

// dtypeBytes returns the size of an element, 0 for an unknown type.
func dtypeBytes(dtype string) uint64 {
	switch dtype {
	case "F64", "I64", "U64":
		return 8
	case "F32", "I32", "U32":
		return 4
	case "F16", "BF16", "I16", "U16":
		return 2
	case "I8", "U8", "BOOL":
		return 1
	}
	return 0
}
