// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goqat/goqat/internal/onnxproto"
)

// readExternal reads the numbers that a model has in other files. They must be below the folder of the model: paths that
// leave it, by links too, are refused.
func readExternal(model string, m *onnxproto.Model) error {
	var root *os.Root
	read := map[string]int64{} // bytes, by file
	for i := range m.Graph.Initializers {
		t := &m.Graph.Initializers[i]
		if t.External == nil {
			continue
		}
		if root == nil {
			var err error
			if root, err = os.OpenRoot(filepath.Dir(model)); err != nil {
				return err
			}
			defer root.Close()
		}
		if err := readNumbers(root, t, read); err != nil {
			return fmt.Errorf("onnx: the numbers of %q in %q: %w", t.Name, t.External.Location, err)
		}
		t.External = nil
	}
	return nil
}

// readNumbers reads those of a tensor. All tensors together read no file more than twice over.
func readNumbers(root *os.Root, t *onnxproto.Tensor, read map[string]int64) error {
	name := path.Clean(strings.ReplaceAll(t.External.Location, "\\", "/"))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return errors.New("the path leaves the folder of the model")
	}
	stat, err := root.Stat(filepath.FromSlash(name)) // a pipe must not be opened
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such file; keep it beside the model")
	case err != nil:
		return err
	case !stat.Mode().IsRegular():
		return errors.New("it is no ordinary file")
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	want := int64(t.Type.Size())
	for _, d := range t.Dims {
		if d < 0 || want > 0 && d > stat.Size()/want {
			return fmt.Errorf("it has %d bytes, too few for %v of %v", stat.Size(), t.Dims, t.Type)
		}
		want *= d
	}
	at, length := t.External.Offset, t.External.Length
	if length == 0 {
		length = want
	}
	if length != want || at > stat.Size() || length > stat.Size()-at {
		return fmt.Errorf("bytes %d to %d of %d are not %v of %v", at, at+length, stat.Size(), t.Dims, t.Type)
	}
	if read[name] += length; read[name] > 2*stat.Size() {
		return errors.New("the tensors of the model read it again and again")
	}
	t.Data = make([]byte, length)
	_, err = io.ReadFull(io.NewSectionReader(f, at, length), t.Data)
	return err
}
