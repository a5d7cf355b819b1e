// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Write writes the file, its metadata and tensors in their order, and with digest also its SHA-256; f.Digest is not
// looked at. Equal files give equal bytes. Tensors are stored without gaps, so those with the widest elements go first
// if all are to be aligned. It is an error, before anything is written, if a name or key is not unique, not valid
// UTF-8 or reserved, or if a type is unknown or its data has not the length its shape asks for.
func (f *File) Write(w io.Writer, digest bool) error {
	header, err := f.header(digest)
	if err != nil {
		return err
	}
	if digest {
		sum := sha256.New()
		sum.Write(header)
		for _, t := range f.Tensors {
			sum.Write(t.Data)
		}
		hex.Encode(header[8+len(digestPrefix):], sum.Sum(nil))
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("safetensors: writing the header: %w", err)
	}
	for _, t := range f.Tensors {
		if _, err := w.Write(t.Data); err != nil {
			return fmt.Errorf("safetensors: writing tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// header returns the length and the header, with a digest of zeros where one is wanted.
func (f *File) header(digest bool) ([]byte, error) {
	metadata := f.Metadata
	if digest {
		metadata = append([]Metadata{{digestKey, noDigest}}, metadata...)
	}
	if len(metadata) > maxEntries || len(f.Tensors) > maxEntries {
		return nil, fmt.Errorf("safetensors: %d tensors and %d metadata entries, the limit is %d", len(f.Tensors), len(metadata), maxEntries)
	}
	seen := map[string]bool{}
	seen["metadata key"+digestKey] = !digest
	seen["tensor"], seen["tensor"+metadataKey] = true, true
	unique := func(kind, name string) error {
		if seen[kind+name] || !utf8.ValidString(name) {
			return fmt.Errorf("safetensors: %s %q is reserved, not UTF-8 or there twice", kind, name)
		}
		seen[kind+name] = true
		return nil
	}

	b := bytes.NewBuffer(make([]byte, 8))
	b.WriteByte('{')
	for i, m := range metadata {
		if err := unique("metadata key", m.Key); err != nil {
			return nil, err
		}
		if !utf8.ValidString(m.Value) {
			return nil, fmt.Errorf("safetensors: metadata %q is not valid UTF-8", m.Key)
		}
		separator := ","
		if i == 0 {
			separator = quote(metadataKey) + ":{"
		}
		b.WriteString(separator + quote(m.Key) + ":" + quote(m.Value))
	}
	if len(metadata) > 0 {
		b.WriteByte('}')
	}
	offset := uint64(0)
	for i, t := range f.Tensors {
		if err := unique("tensor", t.Name); err != nil {
			return nil, err
		}
		size, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		if size != uint64(len(t.Data)) {
			return nil, fmt.Errorf("safetensors: tensor %q: %s of shape %v takes %d bytes, not %d", t.Name, t.DType, t.Shape, size, len(t.Data))
		}
		if i > 0 || len(metadata) > 0 {
			b.WriteByte(',')
		}
		shape := []byte{'['}
		for j, n := range t.Shape {
			if j > 0 {
				shape = append(shape, ',')
			}
			shape = strconv.AppendInt(shape, int64(n), 10)
		}
		fmt.Fprintf(b, `%s:{"dtype":"%s","shape":%s],"data_offsets":[%d,%d]}`, quote(t.Name), t.DType, shape, offset, offset+size)
		offset += size
	}
	b.WriteByte('}')
	for b.Len()%alignment != 0 {
		b.WriteByte(' ')
	}
	header := b.Bytes()
	if len(header)-8 > maxHeader {
		return nil, fmt.Errorf("safetensors: the header of %d bytes is longer than the format allows, %d", len(header)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-8))
	return header, nil
}

// byteSize returns the bytes that an array takes.
func byteSize(dtype string, shape []int) (uint64, error) {
	size := dtypeBytes(dtype)
	if size == 0 {
		return 0, fmt.Errorf("unknown type %.20q", dtype)
	}
	if len(shape) > maxRank {
		return 0, fmt.Errorf("shape %v has more than %d sizes", shape, maxRank)
	}
	for _, n := range shape {
		if n < 0 {
			return 0, fmt.Errorf("negative size in shape %v", shape)
		}
		if n > 0 && size > maxBytes/uint64(n) {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		size *= uint64(n)
	}
	return size, nil
}

func quote(s string) string { return string(Quote(nil, s, "")) }
