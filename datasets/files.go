// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Files calls visit with the path and the content of every regular file of a folder or an archive, in any order, until it fails. Paths are
// relative and divided by slashes. Hidden files and those an archiver adds for itself are left out. Nothing is written to disk; an archive is
// hostile until proved otherwise.
type files func(visit func(name string, r io.Reader) error) error

const (
	maxEntries = 2 << 20  // files of an archive
	maxPath    = 1024     // bytes of the path of one
	maxEntry   = 64 << 20 // bytes of one
	maxArchive = 64 << 30 // bytes of an unpacked .tar.gz, which is read in passing and not kept
)

// folderFiles are the files below dir. Links to files are followed, links to folders are not.
func folderFiles(dir string) files {
	return func(visit func(string, io.Reader) error) error {
		return filepath.WalkDir(dir, func(full string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(dir, full)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(relative)
			if name != "." && hidden(name) {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if !isFile(full) {
				return nil
			}
			return visitLazily(visit, name, func() (io.ReadCloser, error) { return os.Open(full) })
		})
	}
}

// tarFiles are the files of a tar archive, compressed by gzip or not. It is read from its beginning each time.
func tarFiles(open func() (io.ReadCloser, error)) files {
	return func(visit func(string, io.Reader) error) error {
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
			if !ok || header.Typeflag != tar.TypeReg {
				continue
			}
			if err := visit(name, archive); err != nil {
				return err
			}
		}
	}
}

// zipFiles are the files of a zip archive.
func zipFiles(r io.ReaderAt, size int64) files {
	return func(visit func(string, io.Reader) error) error {
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
			if !ok || !f.Mode().IsRegular() {
				continue
			}
			if err := visitLazily(visit, name, f.Open); err != nil {
				return err
			}
		}
		return nil
	}
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
	return clean, clean != "." && !hidden(clean), nil
}

// hidden tells whether a path has an element that starts with a dot or is __MACOSX.
func hidden(name string) bool {
	for element := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(element, ".") || element == "__MACOSX" {
			return true
		}
	}
	return false
}

// visitLazily calls visit with a reader that opens the file when first read.
func visitLazily(visit func(string, io.Reader) error, name string, open func() (io.ReadCloser, error)) error {
	r := &lazyReader{open: open}
	err := visit(name, r)
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
