// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/pipeline"
)

// Outputs refuses to write over a file that is read, over what a run folder keeps or over a folder, to write one
// file twice or under the name of another kind of file, or to write into a folder that is not there or takes none. Inputs and outputs
// without a name are left out, and so are inputs that are no files.
func Outputs(c *cobra.Command, inputs []string, outputs ...File) error {
	seen := map[string]bool{}
	for _, f := range outputs {
		path := f.Path
		if path == "" {
			continue
		}
		err := writable(path, inputs)
		if err == nil && seen[filepath.Clean(path)] {
			err = fmt.Errorf("%s would be written twice; name two files", path)
		}
		if err = cmp.Or(err, wrongName(f)); err != nil {
			return Wrong(c, "%w", err)
		}
		seen[filepath.Clean(path)] = true
	}
	return nil
}

// writable says why a file is not to be written.
func writable(path string, inputs []string) error {
	if path == "-" {
		return errors.New("- is no name of a file; name one, or /dev/stdout")
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; name a file in it", path)
	}
	for _, input := range inputs {
		if read, absent := os.Stat(input); err == nil && absent == nil && os.SameFile(info, read) {
			return fmt.Errorf("%s is read and would be written over; name another file", path)
		}
	}
	if run := pipeline.RunOf(path); run != "" {
		return fmt.Errorf("%s is a file of the training in %s and would be written over; name another file", path, run)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: there is no folder %s; make it first", path, filepath.Dir(path))
	}
	if dir := atomicfile.Folder(path); dir != "" {
		return takesFiles(dir)
	}
	return nil
}

// takesFiles says why no file can be made in a folder, which would be found after all that is computed for it.
func takesFiles(dir string) error {
	f, err := os.CreateTemp(dir, ".qat-*")
	if err != nil {
		return fmt.Errorf("no file can be made in the folder %s: %w; name another", dir, errors.Unwrap(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
