// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"fmt"
	"os"
	"path/filepath"
)

// CheckOutputs refuses to write over a file that is read, alone or in a run folder, or over
// a folder, to write one file twice, or to write into a folder that is not there. Outputs
// without a name are left out.
func CheckOutputs(input string, outputs ...string) error {
	read, _ := os.Stat(input)
	seen := map[string]bool{}
	for _, path := range outputs {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && read != nil && os.SameFile(info, read) {
			return fmt.Errorf("%s is read and would be written over; name another file", path)
		} else if err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder; name a file in it", path)
		} else if err == nil && read != nil && read.IsDir() && isIn(input, path, info) && filepath.Ext(path) != ".html" {
			return fmt.Errorf("%s is a part of %s and would be written over; name another file", path, input)
		}
		if seen[filepath.Clean(path)] {
			return fmt.Errorf("%s would be written twice; name two files", path)
		}
		seen[filepath.Clean(path)] = true
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: there is no folder %s; make it first", path, filepath.Dir(path))
		}
	}
	return nil
}

// isIn says whether the file at path is one of a folder.
func isIn(folder, path string, file os.FileInfo) bool {
	info, err := os.Stat(filepath.Join(folder, filepath.Base(path)))
	return err == nil && os.SameFile(info, file)
}

// CheckModelName refuses a name of another format for a .qmodel.
func CheckModelName(path string) error {
	switch filepath.Ext(path) {
	case ".onnx", ".c", ".h", ".tflite", ".safetensors":
		return fmt.Errorf("%s: a .qmodel is written; name it so, and export the .qmodel to the other format", path)
	}
	return nil
}
