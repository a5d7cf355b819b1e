// SPDX-License-Identifier: Apache-2.0

//go:build long

package onnx_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goqat/goqat/import/onnx"
)

// TestFilesOfOthers imports or refuses all files of ONNX below the folder that GOQAT_ONNX_FILES names, and 1,000 changed
// ones of each of ten of them, in no more memory than 4 times the file and 64 MB. It was made for the files of the onnx
// package of Python, site-packages/onnx.
func TestFilesOfOthers(t *testing.T) {
	folder := os.Getenv("GOQAT_ONNX_FILES")
	if folder == "" {
		t.Skip("GOQAT_ONNX_FILES names no folder")
	}
	var files []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".onnx") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	imported, listed, refused := 0, 0, 0
	for i, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		err = open(t, path, int64(len(data)))
		var unsupported *onnx.Unsupported
		switch {
		case err == nil:
			imported++
		case errors.As(err, &unsupported):
			listed++
		default:
			refused++
		}
		if err != nil {
			t.Logf("%v", strings.TrimPrefix(err.Error(), folder))
		}
		if i%max(1, len(files)/10) == 0 {
			change(t, data)
		}
	}
	t.Logf("of %d files %d were imported, %d listed what is not supported, %d were refused", len(files), imported, listed, refused)
}

// open imports a file and holds it to its memory.
func open(t *testing.T, path string, size int64) error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := onnx.Open(path, onnx.Options{})
	runtime.ReadMemStats(&after)
	// All that was ever allocated is more than what was held at once.
	if took := int64(after.TotalAlloc - before.TotalAlloc); took > 4*size+64<<20 {
		t.Errorf("%s of %d bytes took %d", path, size, took)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: the error has several lines: %v", path, err)
	}
	return err
}

// change opens changed copies of a file.
func change(t *testing.T, data []byte) {
	rng := rand.New(rand.NewPCG(1, uint64(len(data))))
	path := filepath.Join(t.TempDir(), "changed.onnx")
	for range 1000 {
		changed := append([]byte(nil), data...)
		for range 1 + rng.IntN(4) {
			at := rng.IntN(len(changed))
			switch rng.IntN(5) {
			case 0:
				changed = changed[:at+1] // cut short
			case 1:
				changed[at] ^= 1 << rng.IntN(8)
			case 2:
				changed[at] = byte(rng.Uint32())
			case 3:
				changed[at] = 0xff
			case 4: // a part twice
				end := min(len(changed), at+1+rng.IntN(64))
				changed = append(changed[:end:end], changed[at:]...)
			}
		}
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		_ = open(t, path, int64(len(changed)))
	}
}
