// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// useCache makes a folder of its own the user's cache, and returns that of images.
func useCache(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("HOME", dir) // where other systems look
	t.Setenv("LocalAppData", dir)
	return imageCache()
}

// all returns everything of a split, read in batches of an odd size.
func all(t testing.TB, s Split) (pixels []uint8, rest string) {
	t.Helper()
	for b, err := range s.Batches(7) {
		if err != nil {
			t.Fatal(err)
		}
		pixels = append(pixels, b.Images...)
	}
	return pixels, fmt.Sprint(s.Labels, s.Files)
}

// wantSame wants two sets to be the same, wherever their images are.
func wantSame(t testing.TB, a, b *Dataset) {
	t.Helper()
	if a.Digest != b.Digest || a.Shape != b.Shape || !slices.Equal(a.Classes, b.Classes) || a.Divided != b.Divided {
		t.Errorf("%v of %v, %s, and %v of %v, %s", a.Classes, a.Shape, a.Digest, b.Classes, b.Shape, b.Digest)
	}
	for name, parts := range map[string][2]Split{"train": {a.Train, b.Train}, "validation": {a.Validation, b.Validation}, "test": {a.Test, b.Test}} {
		pixelsA, restA := all(t, parts[0])
		pixelsB, restB := all(t, parts[1])
		if !bytes.Equal(pixelsA, pixelsB) || restA != restB {
			t.Errorf("the parts to %s are not the same", name)
		}
	}
}

// stores are the files in the cache, with the times of their last change.
func stores(t testing.TB, dir string) map[string]time.Time {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	found := map[string]time.Time{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = info.ModTime()
	}
	return found
}

// Images that memory is too small for are the same from a file, in every form of the set, and the file is used again.
func TestCacheIsWhatMemoryIs(t *testing.T) {
	for _, entries := range [][]entry{
		append(pictures(t, 5, 3), entry{"val/cat/1.png", grayPNG(t, 9, 4, 77)}),
		without(pictures(t, 12, 0), ""),
	} {
		for _, path := range writeEvery(t, entries) {
			dir := useCache(t)
			var first, second, inMemory notes
			want := openOK(t, path, Options{Seed: 2, Note: inMemory.add})
			got := openOK(t, path, Options{Seed: 2, Memory: 1, Note: first.add})
			if got.Train.Images != nil || got.Train.stored == nil {
				t.Fatal("in memory")
			}
			wantSame(t, got, want)
			made := stores(t, dir)
			again := openOK(t, path, Options{Seed: 2, Memory: 1, Note: second.add})
			wantSame(t, again, want)
			if after := stores(t, dir); len(made) != 1 || fmt.Sprint(after) != fmt.Sprint(made) {
				t.Errorf("%v became %v", made, after)
			}
			if !slices.Equal(first, second) || len(first) != len(inMemory)+1 {
				t.Errorf("%q, then %q, in memory %q", first, second, inMemory)
			}
			first.want(t, "are kept in a file of "+dir)
		}
	}
}

// A split in a file can do what one in memory can.
func TestSplitInFile(t *testing.T) {
	useCache(t)
	dir := writeFolder(t, without(pictures(t, 20, 0), ""))
	a, b := openOK(t, dir, Options{}), openOK(t, dir, Options{Memory: 1})
	for i := range a.Train.Len() {
		one, err := a.Train.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := b.Train.Image(i); err != nil || !bytes.Equal(one, other) {
			t.Errorf("image %d: %v, not %v: %v", i, other, one, err)
		}
	}
	same := func(what string, a, b Split) {
		t.Helper()
		pixelsA, restA := all(t, a)
		pixelsB, restB := all(t, b)
		if !bytes.Equal(pixelsA, pixelsB) || restA != restB || a.Len() != b.Len() {
			t.Errorf("%s: not the same", what)
		}
	}
	trainA, validationA := a.Train.Holdout(3)
	trainB, validationB := b.Train.Holdout(3)
	same("train", trainA, trainB)
	same("validation", validationA, validationB)
	same("head", trainA.Head(5), trainB.Head(5))
	same("subset", trainA.Subset([]int{4, 0, 4}), trainB.Subset([]int{4, 0, 4}))
	meanA, deviationA, errA := MeanDeviation(trainA)
	meanB, deviationB, errB := MeanDeviation(trainB)
	if meanA != meanB || deviationA != deviationB || errA != nil || errB != nil {
		t.Error(meanA, deviationA, errA, meanB, deviationB, errB)
	}
	pixels, err := validationB.Pixels()
	if err != nil || !bytes.Equal(pixels, validationA.Images) {
		t.Error("pixels", err)
	}
	for name, augmentation := range augmentations {
		o := LoaderOptions{Batch: 8, Seed: 3, Shuffle: true, Balance: 0.5, Augmentation: augmentation}
		if o.Crop > 1 {
			o.Crop = 1
		}
		if got, want := epoch(t, trainB, b.Shape, o), epoch(t, trainA, a.Shape, o); !bytes.Equal(got, want) {
			t.Errorf("%s: other batches", name)
		}
	}
}

// epoch returns the batches of the second epoch, from the second one on.
func epoch(t *testing.T, s Split, shape Shape, o LoaderOptions) (all []uint8) {
	t.Helper()
	l, err := NewLoader(s, shape, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Start(1, 1)
	for images, labels, ok := l.Next(); ok; images, labels, ok = l.Next() {
		all = append(all, images...)
		for _, label := range labels {
			all = append(all, uint8(label))
		}
	}
	if l.Err() != nil {
		t.Fatal(l.Err())
	}
	return all
}

// A file that is damaged, cut short, of other images or none at all is made anew, and a changed folder has a new one in
// place of the old.
func TestCacheIsMadeAnew(t *testing.T) {
	dir := useCache(t)
	folder := writeFolder(t, without(pictures(t, 12, 0), ""))
	want := openOK(t, folder, Options{})
	openOK(t, folder, Options{Memory: 1})
	var path string
	for name := range stores(t, dir) {
		path = filepath.Join(dir, name)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int) []byte {
		b := slices.Clone(whole)
		b[at] ^= 1
		return b
	}
	for name, data := range map[string][]byte{
		"a pixel": changed(5), "the last pixel": changed(36*30 - 1), "the end": changed(len(whole) - 1), "the list": changed(36*30 + 20), "its length": changed(len(whole) - storeEnd + 7),
		"cut short": whole[:len(whole)-7], "empty": nil, "text": []byte("hello"), "longer": append(slices.Clone(whole), 0), "front": whole[1:],
	} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		wantSame(t, openOK(t, folder, Options{Memory: 1}), want)
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, whole) {
			t.Errorf("%s: not made anew: %v", name, err)
		}
	}
	writeFile(t, filepath.Join(folder, "cat", "000.png"), grayPNG(t, 6, 5, 250))
	wantSame(t, openOK(t, folder, Options{Memory: 1}), openOK(t, folder, Options{}))
	if after := stores(t, dir); len(after) != 1 || !after[filepath.Base(path)].IsZero() {
		t.Errorf("the old file is still there, or the new one is not: %v", after)
	}
	wantSame(t, openOK(t, folder, Options{Memory: 1, Height: 3, Width: 3}), openOK(t, folder, Options{Height: 3, Width: 3}))
	list, err := CachedImages()
	if err != nil || len(list) != 2 || list[0].Source != sourceOf(folder) || list[0].Images != 36 || list[0].Bytes < 36*9 {
		t.Errorf("%+v, %v", list, err)
	}
	if removed, err := ClearCachedImages(); err != nil || len(removed) != 2 || len(stores(t, dir)) != 0 {
		t.Errorf("%+v, %v", removed, err)
	}
	if removed, err := ClearCachedImages(); err != nil || len(removed) != 0 {
		t.Errorf("%+v, %v", removed, err)
	}
}

// What is interrupted, or fails, leaves nothing; an unfinished file of a process that was killed is removed some time
// later.
func TestCacheLeavesNothing(t *testing.T) {
	dir := useCache(t)
	entries := without(pictures(t, 12, 0), "")
	folder := writeFolder(t, entries)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := OpenContext(ctx, folder, Options{Memory: 1, Progress: func(done, _ int) {
		if done == 20 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || len(stores(t, dir)) != 0 {
		t.Errorf("%v, left %v", err, stores(t, dir))
	}
	broken := writeFolder(t, append(slices.Clone(entries), entry{"cat/broken.png", entries[0].data[:60]}))
	if _, err := Open(broken, Options{Memory: 1}); err == nil || !strings.Contains(err.Error(), "cat/broken.png") || len(stores(t, dir)) != 0 {
		t.Errorf("%v, left %v", err, stores(t, dir))
	}
	old := filepath.Join(dir, "1"+partialExtension)
	writeFile(t, old, []byte("part"))
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*staleAfter)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // made, then used: with the same words
		var n notes
		wantSame(t, openOK(t, broken, Options{Memory: 1, SkipBroken: true, Note: n.add}), openOK(t, broken, Options{SkipBroken: true}))
		n.want(t, "left out: 1 file cannot be read: cat/broken.png")
	}
	if after := stores(t, dir); len(after) != 1 {
		t.Errorf("%v", after)
	}
	if _, err := Open(broken, Options{Memory: 1}); err == nil || !strings.Contains(err.Error(), "cat/broken.png") {
		t.Errorf("a broken file is no fault from the cache: %v", err)
	}
}

// A file that is damaged while it is in use is an error, and no image.
func TestCacheDamagedInUse(t *testing.T) {
	dir := useCache(t)
	d := openOK(t, writeFolder(t, without(pictures(t, 12, 0), "")), Options{Memory: 1})
	for name := range stores(t, dir) {
		if err := os.Truncate(filepath.Join(dir, name), 200); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Train.Pixels(); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Error(err)
	}
	l, err := NewLoader(d.Train, d.Shape, LoaderOptions{Batch: d.Train.Len()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Start(0, 0)
	if _, _, ok := l.Next(); ok || l.Err() == nil {
		t.Errorf("%v, %v", ok, l.Err())
	}
	for _, err := range d.Train.Batches(99) {
		if err == nil {
			t.Error("no error")
		}
	}
}

// FuzzStore holds that any file is a store, or is not, and does no harm.
func FuzzStore(f *testing.F) {
	dir := useCache(f)
	if _, err := Open(writeFolder(f, without(pictures(f, 2, 0), "")), Options{Memory: 1}); err != nil {
		f.Fatal(err)
	}
	for name := range stores(f, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	path := filepath.Join(f.TempDir(), "x")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if c, err := readContents(file); err == nil {
			_ = (&store{file, c.Size, c.Sums}).check(context.Background(), nil)
		} else if !errors.Is(err, errStale) {
			t.Error(err)
		}
	})
}

// A user whose home is no folder has no cache, and that is no fault.
func TestCacheWithoutHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(variable, file)
	}
	if list, err := CachedImages(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	folder := writeFolder(t, without(pictures(t, 12, 0), ""))
	if _, err := Open(folder, Options{Memory: 1}); err == nil || !strings.Contains(err.Error(), "XDG_CACHE_HOME") || !strings.Contains(err.Error(), "data.height") {
		t.Errorf("images that memory is too small for: %v", err)
	}
}

// A reading whose file cannot be written, as on a full disk, stops there: it does not decode the rest of a large set
// first.
func TestReadingStopsWhereItsFileIsFull(t *testing.T) {
	const images = 500
	file, err := os.Create(filepath.Join(t.TempDir(), "images"))
	if err != nil {
		t.Fatal(err)
	}
	file.Close() // every write fails
	content := grayPNG(t, 1, 1, 7)
	list := make([]labelled, images)
	for i := range list {
		list[i].name = fmt.Sprint(i, ".png")
	}
	read := 0
	r := newReading(list, Shape{1, 1, 1}, "", &survey{})
	r.all.stored = &store{file, 1, make([]uint32, images)}
	err = r.decode(t.Context(), func(visit func(found) error) error {
		for _, f := range list {
			read++
			if err := visit(found{kind: regular, name: f.name, Reader: bytes.NewReader(content), stamp: stamp{size: int64(len(content))}}); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "cache file") || read > images/2 {
		t.Errorf("%d of %d images are read, %v", read, images, err)
	}
}
