// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/memory"
)

// TestGzipBombsAreRefusedBeforeTheyAreUnpacked has archives of zeros: 288 MiB in less than
// one. They are refused near their beginning, in a sentence.
func TestGzipBombsAreRefusedBeforeTheyAreUnpacked(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 288 MiB twice, which takes a minute under the race detector")
	}
	const entries, size = 18, 16 << 20
	zeros := make([]byte, size)
	var packed, zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	tarred, zips := tar.NewWriter(z), zip.NewWriter(&zipped)
	for i := range entries {
		name := "cat/" + strings.Repeat("x", i+1) + ".png"
		if err := tarred.WriteHeader(&tar.Header{Name: name, Size: size, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		f, err := zips.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []io.Writer{tarred, f} {
			if _, err := w.Write(zeros); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, w := range []io.Closer{tarred, z, zips} {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	for name, all := range map[string]files{
		"tar.gz": tarFiles(open), "zip": zipFiles(bytes.NewReader(zipped.Bytes()), int64(zipped.Len())),
	} {
		read := 0
		err := all(func(f found) error {
			n, err := io.Copy(io.Discard, f)
			read += int(n)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "unpacks to more than 256 MiB and 64 times its size") || read > harmless+size {
			t.Errorf("%s: %d bytes read, error %v", name, read, err)
		}
	}
}

// TestSizesOfIDXFilesAreCheckedBeforeTheyAreRead declares more than the memory.
func TestSizesOfIDXFilesAreCheckedBeforeTheyAreRead(t *testing.T) {
	limit := memory.Limit()
	if limit == 0 {
		t.Skip("the memory of this system is not known")
	}
	rows := min(maxBytes>>16, limit/memoryShare>>16+1)
	head := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, n := range []uint32{uint32(min(rows, math.MaxUint32)), 1 << 8, 1 << 8} {
		head = binary.BigEndian.AppendUint32(head, n)
	}
	path := filepath.Join(t.TempDir(), "images.gz")
	writeFile(t, path, gzipped(t, head))
	_, _, err := readIDXFile(t.Context(), path)
	if want := "that this machine has room for"; rows<<16 > limit/memoryShare && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want %q", err, want)
	}
}
