// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// endings are those by which people and programs tell files apart that goqat reads or writes.
var endings = []string{".qmodel", ".safetensors", ".onnx", ".tflite", ".c", ".h", ".yaml", ".yml", ".html", ".svg", ".csv", ".json", ".jsonl", ".parquet",
	".npy", ".npz", ".tar", ".gz", ".tgz", ".zip", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}

// exported are those of what a .qmodel is exported to.
var exported = []string{".onnx", ".tflite", ".c"}

// A File is one to be written: its path, and the endings that the names of its kind have, the first of them by custom.
type File struct {
	Path    string
	Endings []string
}

// Named returns a file whose name may have one of the endings given, none, or one that means nothing here.
func Named(path string, endings ...string) File { return File{path, endings} }

// wrongName refuses a name that ends as those of another kind of file do.
func wrongName(f File) error {
	path, own := f.Path, f.Endings
	ending := strings.ToLower(filepath.Ext(path))
	if slices.Contains(own, ending) || !slices.Contains(endings, ending) {
		return nil
	}
	more := ""
	if own[0] == ".qmodel" && slices.Contains(exported, ending) {
		more = "; qat export --format makes a " + ending + " of it"
	}
	return fmt.Errorf("%s: what is written is %s, not %s; name it %s%s", path, own[0], ending, path[:len(path)-len(ending)]+own[0], more)
}
