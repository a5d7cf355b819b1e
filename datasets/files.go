// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

const (
	maxEntries = 2 << 20  // files of an archive
	maxPath    = 1024     // bytes of the path of one
	maxEntry   = 64 << 20 // bytes of one
	maxArchive = 64 << 30 // bytes of an unpacked .tar.gz, which is read in passing and not kept
)

// tarFiles are the files of a tar archive, compressed by gzip or not. It is read from its beginning each time.
func tarFiles(open func() (io.ReadCloser, error)) files {
	return func(visit func(found) error) error {
		f, err := open()
		if err != nil {
			return err
		}
		defer f.Close()
		packed := &countingReader{r: f}
		in := bufio.NewReaderSize(packed, 1<<16)
		var plain io.Reader = in
		if magic, _ := in.Peek(2); bytes.Equal(magic, gzipMagic) {
			if plain, err = gzip.NewReader(in); err != nil {
				return fmt.Errorf("damaged archive: %w", err)
			}
		}
		archive := tar.NewReader(&boundedReader{r: plain, left: maxArchive, packed: packed})
		for entries := 0; ; entries++ {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
				return fmt.Errorf("damaged archive: %w; get it again", err)
			}
			name, ok, err := entryName(header.Name, entries)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := visit(tarEntry(header, name, archive)); err != nil {
				return err
			}
		}
	}
}

// tarEntry is the entry of a tar archive with a clean name.
func tarEntry(header *tar.Header, name string, content io.Reader) found {
	switch header.Typeflag {
	case tar.TypeReg:
		return found{kind: regular, name: name, Reader: content, stamp: stamp{header.Size, header.ModTime.UnixNano()}}
	case tar.TypeDir:
		return found{kind: nested, name: name}
	case tar.TypeLink: // relative to the root of the archive
		return found{kind: link, name: name, target: path.Clean(header.Linkname)}
	case tar.TypeSymlink:
		return found{kind: link, name: name, target: symbolic(name, header.Linkname)}
	}
	return found{kind: special, name: name}
}

// symbolic is where a symbolic link leads, relative to the root of the archive; a path that starts with / or .. leads
// out of it.
func symbolic(name, to string) string {
	if path.IsAbs(to) {
		return to
	}
	return path.Join(path.Dir(name), to)
}

// zipFiles are the files of a zip archive.
func zipFiles(r io.ReaderAt, size int64) files {
	return func(visit func(found) error) error {
		archive, err := zip.NewReader(r, size)
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			return fmt.Errorf("damaged archive: %w; get it again", err)
		}
		var unpacked uint64
		for i, f := range archive.File {
			if unpacked += min(f.UncompressedSize64, maxEntry+1); swollen(int64(unpacked), size) {
				return errSwollen
			}
			name, ok, err := entryName(strings.ReplaceAll(f.Name, `\`, "/"), i)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := visitZip(visit, f, name); err != nil {
				return err
			}
		}
		return nil
	}
}

func visitZip(visit func(found) error, f *zip.File, name string) error {
	switch mode := f.Mode(); {
	case mode.IsRegular():
		return visitLazily(visit, name, stamp{int64(f.UncompressedSize64), f.Modified.UnixNano()}, f.Open)
	case mode.IsDir():
		return visit(found{kind: nested, name: name})
	case mode&fs.ModeSymlink != 0: // its content is where it leads
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer r.Close()
		to, err := io.ReadAll(io.LimitReader(r, maxPath))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return visit(found{kind: link, name: name, target: symbolic(name, string(to))})
	}
	return visit(found{kind: special, name: name})
}

// entryName checks and cleans the path of an entry of an archive; ok is false for one to leave out.
func entryName(name string, entries int) (clean string, ok bool, err error) {
	if entries >= maxEntries {
		return "", false, fmt.Errorf("more than %d files; divide the archive", maxEntries)
	}
	clean = path.Clean(name)
	if len(name) > maxPath || strings.HasPrefix(clean, "/") || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsRune(name, 0) {
		return "", false, fmt.Errorf("entry %.200q leads out of the archive; do not trust it", name)
	}
	return clean, clean != "." && !hidden(path.Dir(clean)), nil
}

// hidden tells whether a path has an element that starts with a dot or is __MACOSX.
func hidden(name string) bool {
	if name == "." {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(element, ".") || element == "__MACOSX" {
			return true
		}
	}
	return false
}

// visitLazily calls visit with a reader that opens the file when first read.
func visitLazily(visit func(found) error, name string, of stamp, open func() (io.ReadCloser, error)) error {
	r := &lazyReader{open: open}
	err := visit(found{kind: regular, name: name, Reader: r, stamp: of})
	if r.file != nil {
		r.file.Close()
	}
	return err
}

type lazyReader struct {
	open func() (io.ReadCloser, error)
	file io.ReadCloser
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.file == nil {
		var err error
		if l.file, err = l.open(); err != nil {
			return 0, err
		}
	}
	return l.file.Read(p)
}

// Archives of images shrink by little, since images are packed already; one that swells beyond this is a trap.
const (
	harmless  = 256 << 20 // bytes of an archive that may be unpacked whatever their number in the archive
	mostSwell = 64        // times an archive's size that may be unpacked beyond that
)

var errSwollen = fmt.Errorf("unpacks to more than %d MiB and %d times its size; no archive of images does", harmless>>20, mostSwell)

// swollen says whether an archive, or its beginning, of packed bytes has more contents than one of images.
func swollen(unpacked, packed int64) bool { return unpacked > harmless && unpacked/mostSwell > packed }

// A countingReader counts what is read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// A boundedReader fails after left bytes, or where the archive it unpacks, packed, is swollen.
type boundedReader struct {
	r      io.Reader
	left   int64
	packed *countingReader
	n      int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d GiB unpacked", maxArchive>>30)
	}
	if swollen(b.n, b.packed.n) {
		return 0, errSwollen
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left, b.n = b.left-int64(n), b.n+int64(n)
	return n, err
}

// A ctxFile is a file that is not read any more once its context is done.
type ctxFile struct {
	*os.File
	ctx context.Context
}

func openFile(ctx context.Context, path string) (*ctxFile, error) {
	f, err := os.Open(path)
	return &ctxFile{f, ctx}, err
}

// Read is that of the file.
func (f *ctxFile) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// ReadAt is that of the file.
func (f *ctxFile) ReadAt(p []byte, at int64) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, at)
}

// readEntry reads a whole file of at most maxEntry bytes.
func readEntry(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxEntry+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxEntry {
		return nil, fmt.Errorf("larger than %d MiB; make it smaller", maxEntry>>20)
	}
	return data, nil
}
