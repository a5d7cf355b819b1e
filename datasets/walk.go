// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/images"
)

// A kind is what lies at a path of a folder or an archive.
type kind int

const (
	regular  kind = iota // a file
	nested               // a folder
	link                 // of an archive: to the path target
	deadLink             // of a folder: leads nowhere
	special              // a device, a socket and the like
)

// A found is what lies at a path.
type found struct {
	kind
	name      string // relative, divided by slashes
	target    string // of a link, relative to the root as name is
	io.Reader        // of a regular file
	stamp            // of a regular file
	tag              // of an image whose class is not the folder it is in
	image     bool   // whatever its name, which is that of a row
}

// A tag is the part and the class of an image; the part is "" where there are none.
type tag struct{ part, class string }

// A stamp tells a file from what it was before.
type stamp struct {
	size, changed int64 // bytes, nanoseconds since 1970
}

// Files calls visit with everything in a folder or an archive, in any order, until it fails. Folders that are hidden
// and those an archiver adds for itself are left out. Nothing is written to disk; an archive is hostile until proved
// otherwise.
type files func(visit func(found) error) error

// folderFiles is what lies below dir. Links are followed, to files and to folders.
func folderFiles(dir string) files {
	return func(visit func(found) error) error {
		w := walker{visit: visit}
		return w.folder(dir, "", nil)
	}
}

type walker struct {
	visit   func(found) error
	entries int
}

// folder visits what lies in the folder at the path full, known as name; above are the real paths of the folders that
// hold it.
func (w *walker) folder(full, name string, above []string) error {
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		return err
	}
	if slices.Contains(above, real) {
		return fmt.Errorf("%s: a link to a folder that holds it; remove the link", name)
	}
	above = append(slices.Clip(above), real)
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if w.entries++; w.entries > maxEntries {
			return fmt.Errorf("more than %d files; divide the folder", maxEntries)
		}
		if err := w.entry(filepath.Join(full, e.Name()), path.Join(name, e.Name()), e.Type(), above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(full, name string, mode fs.FileMode, above []string) error {
	var of stamp
	if mode&fs.ModeSymlink != 0 || mode.IsRegular() {
		info, err := os.Stat(full)
		if err != nil {
			return w.visit(found{kind: deadLink, name: name})
		}
		mode, of = info.Mode().Type(), stamp{info.Size(), info.ModTime().UnixNano()}
	}
	switch {
	case mode.IsRegular():
		return visitLazily(w.visit, name, of, func() (io.ReadCloser, error) { return os.Open(full) })
	case !mode.IsDir():
		return w.visit(found{kind: special, name: name})
	case hidden(name):
		return nil
	}
	if err := w.visit(found{kind: nested, name: name}); err != nil {
		return err
	}
	return w.folder(full, name, above)
}

// ImageFiles returns the paths of all files below a folder that are images by their names, links followed, in order.
// Note is told what else lies there.
func ImageFiles(dir string, note func(sentence string)) ([]string, error) {
	var list []string
	left := leftOut{}
	err := folderFiles(dir)(func(f found) error {
		isImage, _ := images.Named(f.name)
		switch base := path.Base(f.name); {
		case f.kind == nested:
		case isImage && !hidden(base):
			list = append(list, filepath.Join(dir, filepath.FromSlash(f.name)))
		case isImage && !strings.HasPrefix(base, "._"):
			left.add("hidden", f.name)
		case !hidden(base):
			left.add("no image by its name", f.name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", dir, err)
	}
	slices.Sort(list)
	left.say(note)
	return list, nil
}

// TarImages calls visit with the images of a tar archive, compressed or not, in its order: those that are images by
// their names and not hidden.
func TarImages(path string, visit func(name string, content io.Reader) error) error {
	err := tarFiles(func() (io.ReadCloser, error) { return os.Open(path) })(func(f found) error {
		if isImage, _ := images.Named(f.name); !isImage || f.kind != regular || hidden(f.name) {
			return nil
		}
		return visit(f.name, f)
	})
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	return nil
}
