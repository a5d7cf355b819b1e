// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An Archive is a .npz file: arrays by name.
type Archive struct {
	names []string // in the order of the file
	files map[string]*zip.File
}

const extension = ".npy"

// NewArchive reads the list of a .npz file of size bytes, compressed or not, which is read further for each array.
func NewArchive(r io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("npy: damaged archive: %w; write it again", err)
	}
	a := &Archive{files: map[string]*zip.File{}}
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, extension)
		if !ok {
			continue
		}
		if a.files[name] != nil {
			return nil, fmt.Errorf("npy: two arrays are called %q", name)
		}
		a.names, a.files[name] = append(a.names, name), f
	}
	return a, nil
}

// Names are the names of the arrays, in the order of the file.
func (a *Archive) Names() []string { return a.names }

// ErrNoArray is the error of Archive.Read for a name that the archive does not have.
var ErrNoArray = errors.New("no such array")

// Read reads the array of a name, see the function Read.
func (a *Archive) Read(name string, limit int64) (*Array, error) {
	f := a.files[name]
	if f == nil {
		return nil, fmt.Errorf("npy: %q: %w", name, ErrNoArray)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("npy: %q: %w", name, err)
	}
	defer r.Close()
	array, err := Read(r, limit)
	if err != nil {
		return nil, fmt.Errorf("%w, in %q", err, name)
	}
	return array, nil
}
