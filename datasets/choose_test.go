// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// half is a PNG file whose head is whole and whose pixels are not: who decodes it fails.
func half(t *testing.T, i int) []byte {
	t.Helper()
	whole := grayPNG(t, 9, 9, uint8(i))
	return whole[:len(whole)-20]
}

// Who wants the test images alone gets those of the whole set, and no other image is decoded: those for training cannot
// be.
func TestChoose(t *testing.T) {
	useCache(t)
	parted, flat := t.TempDir(), t.TempDir()
	for i := range 24 {
		class := fmt.Sprint("c", i%2)
		part := []string{"train", "test"}[i/12]
		writeFile(t, filepath.Join(parted, part, class, fmt.Sprint(i, ".png")), grayPNG(t, 9, 9, uint8(i)))
		writeFile(t, filepath.Join(flat, class, fmt.Sprint(i, ".png")), grayPNG(t, 9, 9, uint8(i)))
	}
	for _, dir := range []string{parted, flat} {
		whole := openOK(t, dir, Options{Seed: 5})
		undivided := openOK(t, dir, Options{Undivided: true})
		calls, digest := 0, ""
		choose := func(d *Dataset) error {
			calls++
			digest = d.Digest
			return d.Divide(5, func(string) {})
		}
		test := openOK(t, dir, Options{Undivided: true, Choose: choose})
		wantSameSplit(t, test.Test, whole.Test)
		if test.Train.Len() != 0 || !slices.Equal(test.Classes, whole.Classes) {
			t.Errorf("%d images for training, classes %v", test.Train.Len(), test.Classes)
		}
		if dir == flat && (calls != 1 || digest != undivided.Digest) || dir == parted && calls != 0 {
			t.Errorf("%s: chosen %d times, by the digest %s", dir, calls, digest)
		}
		wantSameSplit(t, openOK(t, dir, Options{Undivided: true, Choose: choose, Memory: 1}).Test, whole.Test)
	}
	// The first training image of the parted folder cannot be decoded.
	bad := filepath.Join(parted, "train", "c0", "0.png")
	writeFile(t, bad, half(t, 0))
	if _, err := Open(parted, Options{}); err == nil || !strings.Contains(err.Error(), "0.png") {
		t.Fatal(err)
	}
	openOK(t, parted, Options{Choose: func(*Dataset) error { t.Error("chosen, though there are test images"); return nil }})
	if err := os.WriteFile(filepath.Join(parted, "test", "c0", "12.png"), half(t, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(parted, Options{Choose: func(*Dataset) error { return nil }}); err == nil || !strings.Contains(err.Error(), "test/c0/12.png") || strings.Contains(err.Error(), "train") {
		t.Fatal(err)
	}
}

// A cache of all images serves the test images, too.
func TestChooseFromCache(t *testing.T) {
	useCache(t)
	dir := t.TempDir()
	for i := range 24 {
		writeFile(t, filepath.Join(dir, fmt.Sprint("c", i%2), fmt.Sprint(i, ".png")), grayPNG(t, 9, 9, uint8(i)))
	}
	whole := openOK(t, dir, Options{Memory: 1})
	d := openOK(t, dir, Options{Memory: 1, Undivided: true, Choose: func(*Dataset) error { t.Error("chosen before all is read"); return nil }})
	if !d.Undivided || d.Test.Len() != 24 || d.Digest != whole.Digest {
		t.Errorf("%d images", d.Test.Len())
	}
	if list, err := CachedImages(); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

func wantSameSplit(t *testing.T, got, want Split) {
	t.Helper()
	a, err := got.Pixels()
	if err != nil {
		t.Fatal(err)
	}
	b, err := want.Pixels()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) || !slices.Equal(got.Labels, want.Labels) || !slices.Equal(got.Files, want.Files) {
		t.Errorf("%d images, not the %d of the whole set", got.Len(), want.Len())
	}
}
