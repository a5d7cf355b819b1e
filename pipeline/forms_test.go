// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
)

// formsOf writes the gray images of a folder in other forms, and returns their paths.
func formsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := t.TempDir()
	table := "path,label\n"
	var shard, archive bytes.Buffer
	var pixels, labels []byte
	w := tar.NewWriter(&shard)
	add := func(name string, data []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	n, classes := 0, map[string]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		class := strings.Split(path, "/")[0]
		if _, ok := classes[class]; !ok {
			classes[class] = byte(len(classes))
		}
		data := read(t, dir, path)
		table += fmt.Sprintf("%s,%s\n", path, class)
		add(fmt.Sprintf("%04d.png", n), data)
		add(fmt.Sprintf("%04d.cls", n), []byte{'0' + classes[class]})
		m, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			return err
		}
		for y := range 16 {
			for x := range 16 {
				v, _, _, _ := m.At(x, y).RGBA()
				pixels = append(pixels, byte(v>>8))
			}
		}
		labels = append(labels, classes[class])
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&archive)
	for name, array := range map[string][]byte{"images.npy": npyOf(pixels, fmt.Sprintf("%d, 16, 16", n)), "labels.npy": npyOf(labels, fmt.Sprintf("%d,", n))} {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(array); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{"table": filepath.Join(dir, "labels.csv"), "shard": filepath.Join(out, "shades.tar"), "arrays": filepath.Join(out, "shades.npz")}
	for name, data := range map[string][]byte{"table": []byte(table), "shard": shard.Bytes(), "arrays": archive.Bytes()} {
		if err := os.WriteFile(forms[name], data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return forms
}

// npyOf is an array of NumPy.
func npyOf(values []byte, shape string) []byte {
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%s)}", shape)
	return slices.Concat([]byte("\x93NUMPY\x01\x00"), []byte{byte(len(header)), 0}, []byte(header), values)
}

// TestFormsOfData trains on every form of images: the integers agree, an interrupted run
// that goes on has the model of a whole one, and the test images are found again.
func TestFormsOfData(t *testing.T) {
	forms := formsOf(t, shades(t, "dark", "light"))
	forms["parquet"] = filepath.Join("..", "datasets", "testdata", "rows.parquet")
	motion := filepath.Join(t.TempDir(), "motions")
	motions(t, motion, 12)
	forms["signals"] = motion
	for name, path := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := []string{"data.name=" + path, "data.augment.flip=true", "batch=4", "data.height=16", "data.width=16", "model=mlp"}
			if name == "signals" {
				settings = []string{"data.name=" + path, "batch=4", "model=mlp", "data.augment.crop=0", "data.augment.flip=false"}
			}
			whole := small(t, settings...)
			if s := trained(t, whole); s.Verify.IntegerMismatches != 0 {
				t.Errorf("%d integers differ", s.Verify.IntegerMismatches)
			}
			want := read(t, whole.Out, "model.qmodel")
			ctx, cancel := context.WithCancel(t.Context())
			r := small(t, settings...)
			_, err := pipeline.Train(ctx, r, pipeline.Options{On: func(e pipeline.Event) {
				if s, ok := e.(pipeline.Step); ok && s.Batch == 2 {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if r, err = pipeline.LoadRun(r.Out); err != nil {
				t.Fatal(err)
			}
			s, err := pipeline.Train(t.Context(), r, pipeline.Options{Resume: true})
			if err != nil || s.Verify.IntegerMismatches != 0 {
				t.Fatal(err)
			}
			if !bytes.Equal(read(t, r.Out, "model.qmodel"), want) {
				t.Error("another model than that of a whole run")
			}
		})
	}
}
