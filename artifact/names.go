// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// endings are those by which people and programs tell files apart that goqat reads or writes.
var endings = []string{".qmodel", ".safetensors", ".onnx", ".tflite", ".c", ".h", ".yaml", ".yml", ".html", ".svg", ".csv", ".json", ".jsonl", ".parquet",
	".npy", ".npz", ".tar", ".gz", ".tgz", ".zip", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}

// CheckName refuses a name for a file whose ending is that of another kind of file than what is written, which may
// have one of the endings named, the first of them by custom. A name without an ending, or with one that means nothing
// here, is for the caller to know.
func CheckName(path string, own ...string) error {
	ending := strings.ToLower(filepath.Ext(path))
	if slices.Contains(own, ending) || !slices.Contains(endings, ending) {
		return nil
	}
	return fmt.Errorf("%s: what is written is %s, not %s; name it %s", path, own[0], ending, path[:len(path)-len(ending)]+own[0])
}
