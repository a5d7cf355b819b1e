// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Read reads a file of the given size. It trusts nothing: the header must be strict JSON of the format's form, with
// every name once, every tensor of exactly the size of its type and shape, and all of them together cover the data
// without gaps or overlap; a digest must be right. Until the header has proved valid, it takes memory for about twice
// the size of the file. The tensors share one block of memory.
func Read(r io.ReaderAt, size int64) (*File, error) {
	text, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(text)
	if err != nil {
		return nil, err
	}
	start := 8 + int64(len(text))
	if err := checkPlaces(h.entries, uint64(size-start)); err != nil {
		return nil, err
	}
	f := &File{Metadata: h.metadata, Tensors: make([]Tensor, len(h.entries))}
	data := make([]byte, size-start)
	if err := readFull(r, data, start); err != nil {
		return nil, err
	}
	if len(text) > len(digestPrefix) && text[:len(digestPrefix)] == digestPrefix {
		f.Digest = f.Metadata[0].Value
		f.Metadata = f.Metadata[1:]
		if err := checkDigest(text, data, f.Digest); err != nil {
			return nil, err
		}
	}
	if _, ok := f.Value(digestKey); ok {
		return nil, fmt.Errorf("safetensors: the metadata entry %q does not start the header", digestKey)
	}
	for i, e := range h.entries {
		f.Tensors[i] = Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, Data: data[e.begin:e.end:e.end]}
	}
	return f, nil
}

func readHeader(r io.ReaderAt, size int64) (string, error) {
	if size < 8 || size > int64(maxInt) {
		return "", fmt.Errorf("safetensors: a file of %d bytes is cut short, or none of this format", size)
	}
	if err := readFull(r, make([]byte, 1), size-1); err != nil { // the file is as long as it claims
		return "", err
	}
	var prefix [8]byte
	if err := readFull(r, prefix[:], 0); err != nil {
		return "", err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	switch {
	case n > maxHeader:
		return "", fmt.Errorf("safetensors: the file is none of this format")
	case n > uint64(size-8):
		return "", fmt.Errorf("safetensors: a header of %d bytes in a file of %d: cut short, or none of this format", n, size)
	}
	var header strings.Builder
	header.Grow(int(n))
	if _, err := io.CopyN(&header, io.NewSectionReader(r, 8, size-8), int64(n)); err != nil {
		return "", fmt.Errorf("safetensors: reading the header: %w", err)
	}
	return header.String(), nil
}

func readFull(r io.ReaderAt, b []byte, offset int64) error {
	if n, err := r.ReadAt(b, offset); n < len(b) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("safetensors: reading %d bytes at %d: %w", len(b), offset, err)
	}
	return nil
}

// checkPlaces sorts the entries by their data and proves that each has its size and that they tile [0, size).
func checkPlaces(entries []entry, size uint64) error {
	byPlace := func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	}
	if !slices.IsSortedFunc(entries, byPlace) {
		slices.SortStableFunc(entries, byPlace)
	}
	end := uint64(0)
	for _, e := range entries {
		want, err := byteSize(e.dtype, e.shape)
		switch {
		case err != nil:
			return fmt.Errorf("safetensors: tensor %.80q: %w", e.name, err)
		case e.begin != end:
			return fmt.Errorf("safetensors: tensor %.80q starts at %d where the one before ends at %d", e.name, e.begin, end)
		case e.end < e.begin || e.end-e.begin != want:
			return fmt.Errorf("safetensors: tensor %.80q: %s of shape %v takes %d bytes, not those from %d to %d", e.name, e.dtype, e.shape, want, e.begin, e.end)
		case e.end > size:
			return fmt.Errorf("safetensors: tensor %.80q ends at %d, the data at %d: the file is cut short", e.name, e.end, size)
		}
		end = e.end
	}
	if end != size {
		return fmt.Errorf("safetensors: %d bytes follow the last tensor", size-end)
	}
	return nil
}

func checkDigest(header string, data []byte, digest string) error {
	place := len(digestPrefix)
	if len(digest) != len(noDigest) || header[place:place+len(digest)] != digest {
		return fmt.Errorf("safetensors: malformed digest %.80q", digest)
	}
	sum := sha256.New()
	sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header))))
	io.WriteString(sum, header[:place]+noDigest)
	io.WriteString(sum, header[place+len(digest):])
	sum.Write(data)
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return fmt.Errorf("safetensors: %w", ErrDigest)
	}
	return nil
}
