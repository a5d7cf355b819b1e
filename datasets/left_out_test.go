// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// notes are what Open says.
type notes []string

func (n *notes) add(sentence string) { *n = append(*n, sentence) }

func (n *notes) want(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(*n, func(s string) bool { return strings.Contains(s, w) }) {
			t.Errorf("%q is not said, only %q", w, *n)
		}
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// Class folders, parts and the whole set may be links.
func TestOpenFollowsLinksToFolders(t *testing.T) {
	store := writeFolder(t, pictures(t, 4, 2))
	dir := t.TempDir()
	symlink(t, filepath.Join(store, "train"), filepath.Join(dir, "train"))
	if err := os.CopyFS(filepath.Join(dir, "test"), os.DirFS(filepath.Join(store, "test"))); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "link")
	symlink(t, dir, whole)
	for _, path := range []string{dir, whole} {
		if d := openOK(t, path, Options{}); d.Train.Len() != 12 || d.Test.Len() != 6 || d.Divided {
			t.Errorf("%s: %d and %d images", path, d.Train.Len(), d.Test.Len())
		}
	}
	classes := t.TempDir()
	for _, class := range []string{"bird", "cat"} {
		symlink(t, filepath.Join(store, "train", class), filepath.Join(classes, class))
	}
	if d := openOK(t, classes, Options{}); !slices.Equal(d.Classes, []string{"bird", "cat"}) {
		t.Errorf("classes %v", d.Classes)
	}
	symlink(t, classes, filepath.Join(classes, "cat", "above"))
	if _, err := Open(classes, Options{}); err == nil || !strings.Contains(err.Error(), "cat/above: a link to a folder that holds it") {
		t.Errorf("%v", err)
	}
}

// A link that leads nowhere is named: an image, or the folder of a class.
func TestOpenRefusesDeadLinks(t *testing.T) {
	for _, name := range []string{"cat/dead.png", "dead"} {
		dir := writeFolder(t, without(pictures(t, 2, 0), ""))
		symlink(t, filepath.Join(dir, "nowhere"), filepath.Join(dir, name))
		_, err := Open(dir, Options{})
		if name == "dead" {
			var n notes
			openOK(t, dir, Options{Note: n.add})
			n.want(t, "left out, in the folder of no class: 1 file (dead)")
			continue
		}
		if err == nil || !strings.Contains(err.Error(), name+": a link that leads nowhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every file that is not read is counted, with the reason.
func TestOpenSaysWhatIsLeftOut(t *testing.T) {
	entries := pictures(t, 4, 2)
	image := entries[0].data
	for _, name := range []string{"val/cat/1.png", "val/cat/2.png", "other/3.png", "train/cat/.hidden.png", "README.md", "train/cat/x.xml", "train/cat/._a.png"} {
		entries = append(entries, entry{name, image})
	}
	for _, path := range writeEvery(t, entries) {
		var n notes
		d := openOK(t, path, Options{Note: n.add})
		if d.Train.Len() != 12 || d.Validation.Len() != 2 || d.Test.Len() != 6 || len(n) != 4 {
			t.Errorf("%s: %d and %d images, %d notes", path, d.Train.Len(), d.Test.Len(), len(n))
		}
		n.want(t,
			"no validation images of bird, dog",
			"left out, not in train, val, test: 1 file (other/3.png)",
			"left out, hidden: 1 file (train/cat/.hidden.png)",
			"left out, no image by its name: 2 files (README.md, train/cat/x.xml)")
	}
	var n notes
	dir := writeFolder(t, without(pictures(t, 2, 0), ""))
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "photo.png"), image)
	openOK(t, dir, Options{Note: n.add})
	n.want(t, "left out, folders without images: empty", "left out, in the folder of no class: 1 file (photo.png)")
}

// Validation images without test images leave a sixth of the training images to test with, and classes that they lack are said.
func TestValidationIsNoTest(t *testing.T) {
	var entries []entry
	for _, e := range pictures(t, 12, 2) {
		if name := strings.Replace(e.name, "test/", "validation/", 1); !strings.HasPrefix(name, "validation/cat") {
			entries = append(entries, entry{name, e.data})
		}
	}
	var n notes
	d := openOK(t, writeFolder(t, entries), Options{Note: n.add})
	n.want(t, "there is no folder of test images: a sixth of the training images is for testing", "no validation images of cat")
	if !d.Divided || d.Validation.Len() != 4 || d.Train.Len()+d.Test.Len() != 36 || d.Test.Len() < 3 {
		t.Errorf("%d, %d and %d images, divided %v", d.Train.Len(), d.Validation.Len(), d.Test.Len(), d.Divided)
	}
	for _, f := range d.Validation.Files {
		if !strings.HasPrefix(f.Path, "validation/") {
			t.Errorf("%s is to validate with", f.Path)
		}
	}
}

// An image that is in two parts is found by its content, whatever its name; without files by its pixels.
func TestRepeated(t *testing.T) {
	entries := pictures(t, 4, 0)
	for i := range entries {
		entries[i].data = append(entries[i].data, fmt.Sprint(i)...)
	}
	entries = append(entries, entry{"test/cat/a.png", entries[0].data}, entry{"test/dog/b.png", grayPNG(t, 6, 5, 9)})
	d := openOK(t, writeFolder(t, entries), Options{})
	got := d.Test.Repeated(d.Train)
	if len(got) != 1 || d.Test.Names(got) != "test/cat/a.png" {
		t.Errorf("%v: %s", got, d.Test.Names(got))
	}
	d.Train.Files, d.Test.Files = nil, nil
	if got := d.Test.Repeated(d.Train); len(got) != 1 || d.Test.Names(got) != "number 0" {
		t.Errorf("%v: %s", got, d.Test.Names(got))
	}
}

// All endings of JPEG files are read.
func TestOpenReadsEveryJPEG(t *testing.T) {
	var entries []entry
	for i, extension := range []string{"jpg", "jpeg", "jpe", "jfif", "JFIF", "png"} {
		data := grayJPEG(t, 4, 4, uint8(i))
		if extension == "png" {
			data = grayPNG(t, 4, 4, uint8(i))
		}
		entries = append(entries, entry{"a/x." + extension, data}, entry{"b/x." + extension, data})
	}
	if d := openOK(t, writeFolder(t, entries), Options{}); d.Train.Len()+d.Test.Len() != 12 {
		t.Errorf("%d images", d.Train.Len()+d.Test.Len())
	}
}

// What is wrong with a file and what to do about it is said once.
func TestOpenNamesABrokenFile(t *testing.T) {
	path := writeFolder(t, append(without(pictures(t, 3, 0), ""), entry{"cat/empty.jpg", nil}))
	const want = "1 file cannot be read: cat/empty.jpg: an empty file; get it again or remove it, or leave out what cannot be read"
	if _, err := Open(path, Options{}); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// Every file that cannot be read is named at once, however it is broken; they may be left out instead.
func TestOpenNamesAllBrokenFiles(t *testing.T) {
	good := without(pictures(t, 3, 0), "")
	png := grayPNG(t, 4, 4, 1)
	broken := append(slices.Clone(good),
		entry{"cat/cut.png", png[:len(png)-8]}, entry{"cat/empty.jpg", nil}, entry{"dog/x.jpg", []byte("\x00\x00\x00\x20ftypavif")},
		entry{"dog/y.heic", nil}, entry{"dog/page.png", []byte("<!DOCTYPE html>")}, entry{"dog/\x1b[2J.png", png})
	const want = `6 files cannot be read: cat/cut.png: PNG file cut short: unexpected EOF; get it again or remove it, cat/empty.jpg: an empty file`
	for _, path := range writeEvery(t, broken) {
		_, err := Open(path, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrBroken) || strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%s: %v", path, err)
		}
		for _, want := range []string{"dog/x.jpg: AVIF", "dog/y.heic: a format that is not read", "dog/page.png: HTML", `"dog/\x1b[2J.png": a name that cannot be printed`} {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, without %q", path, err, want)
			}
		}
		var n notes
		d := openOK(t, path, Options{SkipBroken: true, Note: n.add})
		if d.Train.Len()+d.Test.Len() != len(good) {
			t.Errorf("%s: %d images", path, d.Train.Len()+d.Test.Len())
		}
		n.want(t, "left out: 6 files cannot be read: ")
	}
}

// A reason of many files is said once, the list of reasons is bounded, and a class of which nothing is left is refused.
func TestOpenBoundsTheListOfBrokenFiles(t *testing.T) {
	entries := without(pictures(t, 2, 0), "")
	for i := range 25 {
		entries = append(entries, entry{fmt.Sprintf("zebra/%02d.png", i), nil})
	}
	dir := writeFolder(t, entries)
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "25 files cannot be read: zebra/00.png, zebra/01.png, zebra/02.png and 22 more: an empty file; get it again or remove it, or leave out") {
		t.Errorf("%v", err)
	}
	if _, err := Open(dir, Options{SkipBroken: true}); err == nil || !strings.Contains(err.Error(), "class zebra: none of its training images can be read") {
		t.Errorf("%v", err)
	}
}

// A cancelled context ends the reading, which is told of its progress.
func TestOpenCanBeInterrupted(t *testing.T) {
	for _, path := range writeEvery(t, without(pictures(t, 30, 0), "")) {
		ctx, cancel := context.WithCancel(t.Context())
		last := 0
		_, err := OpenContext(ctx, path, Options{Progress: func(done, total int) {
			if last = done; total != 90 {
				t.Errorf("%d of %d", done, total)
			}
			if done == 10 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || last != 10 {
			t.Errorf("%s: %v after %d images", path, err, last)
		}
	}
}

// A link that leads to nothing is not said to be absent, and a folder of one class not to be empty.
func TestOpenSaysWhatIsThere(t *testing.T) {
	dir := writeFolder(t, without(pictures(t, 2, 0), ""))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "nothing"), link); err == nil {
		if _, err := Open(link, Options{}); err == nil || !strings.Contains(err.Error(), "a link that leads to nothing; make it anew") {
			t.Errorf("%v", err)
		}
	}
	if _, err := Open(filepath.Join(dir, "cat"), Options{}); err == nil || !strings.Contains(err.Error(), "name the folder above if this one is of a class") {
		t.Errorf("%v", err)
	}
}

func TestFaults(t *testing.T) {
	all := faults{}
	for i := range 15 {
		all[fmt.Sprintf("a/%02d.png", i)] = fmt.Errorf("images: damage %d", i%12)
	}
	const want = "15 files cannot be read: a/00.png, a/12.png: damage 0, a/01.png, a/13.png: damage 1, a/02.png, a/14.png: damage 2, a/03.png: damage 3, "
	if got := all.Error(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "a/09.png: damage 9 and 2 more") {
		t.Error(got)
	}
}
