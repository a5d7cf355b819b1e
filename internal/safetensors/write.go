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

// Write writes the file with its SHA-256, its metadata and tensors in their order; f.Digest is not looked at. Equal files
// give equal bytes. Tensors are stored without gaps, so those with the widest elements go first if all are to be aligned.
// It is an error, before anything is written, if a name or key is not unique, not valid UTF-8 or reserved, or if a type is
// unknown or its data has not the length its shape asks for.
func (f *File) Write(w io.Writer) error {
	header, err := f.header(append([]Metadata{{digestKey, noDigest}}, f.Metadata...))
	if err != nil {
		return err
	}
	sum := sha256.New()
	sum.Write(header)
	for _, t := range f.Tensors {
		sum.Write(t.Data)
	}
	hex.Encode(header[8+len(digestPrefix):], sum.Sum(nil))
	return f.write(w, header)
}

// write writes the header and the data of the tensors.
func (f *File) write(w io.Writer, header []byte) error {
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

// header returns the length and the header of a file with some metadata, of which the digest is none of f's.
func (f *File) header(metadata []Metadata) ([]byte, error) {
	if len(metadata) > maxEntries || len(f.Tensors) > maxEntries {
		return nil, fmt.Errorf("safetensors: %d tensors and %d metadata entries, the limit is %d", len(f.Tensors), len(metadata), maxEntries)
	}
	b := bytes.NewBuffer(make([]byte, 8))
	b.WriteByte('{')
	if err := writeMetadata(b, metadata); err != nil {
		return nil, err
	}
	if len(metadata) > 0 && len(f.Tensors) > 0 {
		b.WriteByte(',')
	}
	if err := writeTensors(b, f.Tensors); err != nil {
		return nil, err
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

// writeMetadata writes the entry of the metadata, nothing if there are none.
func writeMetadata(b *bytes.Buffer, metadata []Metadata) error {
	keys := names{"metadata key", map[string]bool{}}
	for i, m := range metadata {
		if err := keys.take(m.Key); err != nil {
			return err
		}
		if !utf8.ValidString(m.Value) {
			return fmt.Errorf("safetensors: metadata %q is not valid UTF-8", m.Key)
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
	return nil
}

// writeTensors writes the entries of the tensors, whose data follow one another.
func writeTensors(b *bytes.Buffer, tensors []Tensor) error {
	taken := names{"tensor", map[string]bool{"": true, metadataKey: true}}
	offset := uint64(0)
	for i, t := range tensors {
		if err := taken.take(t.Name); err != nil {
			return err
		}
		size, err := byteSize(t.DType, t.Shape)
		if err != nil {
			return fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		if size != uint64(len(t.Data)) {
			return fmt.Errorf("safetensors: tensor %q: %s of shape %v takes %d bytes, not %d", t.Name, t.DType, t.Shape, size, len(t.Data))
		}
		if i > 0 {
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
	return nil
}

// names are those of a kind that are taken.
type names struct {
	kind string
	seen map[string]bool
}

// take takes a name that is free.
func (n *names) take(name string) error {
	if n.seen[name] || !utf8.ValidString(name) {
		return fmt.Errorf("safetensors: %s %q is reserved, not UTF-8 or there twice", n.kind, name)
	}
	n.seen[name] = true
	return nil
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
