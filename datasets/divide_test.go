// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// different are n images of a class, each with its own content.
func different(t testing.TB, class string, from, n int) []entry {
	var entries []entry
	for i := from; i < from+n; i++ {
		data := append(grayPNG(t, 3, 3, uint8(i)), fmt.Sprint(class, i)...) // what follows the image is content, too
		entries = append(entries, entry{fmt.Sprintf("%s/%04d.png", class, i), data})
	}
	return entries
}

// sides tells of every file whether it is for testing.
func sides(d *Dataset) map[string]bool {
	side := map[string]bool{}
	for _, f := range d.Train.Files {
		side[f.Path] = false
	}
	for _, f := range d.Test.Files {
		side[f.Path] = true
	}
	return side
}

// An added file moves no other from one part to the other, whatever its name, and a renamed one stays where it was.
func TestAddedFileMovesNoOther(t *testing.T) {
	entries := append(different(t, "a", 0, 120), different(t, "b", 0, 120)...)
	before := sides(openOK(t, writeFolder(t, entries), Options{Seed: 5}))
	for _, name := range []string{"a/0000a.png", "a/zz.png", "b/0.png"} {
		after := sides(openOK(t, writeFolder(t, append(slices.Clone(entries), entry{name, grayPNG(t, 3, 3, 200)})), Options{Seed: 5}))
		for path, test := range before {
			if after[path] != test {
				t.Errorf("%s added: %s changes sides", name, path)
			}
		}
	}
	renamed := slices.Clone(entries)
	for i := range renamed {
		renamed[i].name = strings.Replace(renamed[i].name, "/0", "/9", 1)
	}
	for path, test := range sides(openOK(t, writeFolder(t, renamed), Options{Seed: 5})) {
		if before[strings.Replace(path, "/9", "/0", 1)] != test {
			t.Errorf("%s changes sides with its name", path)
		}
	}
	n := 0
	for _, test := range before {
		if test {
			n++
		}
	}
	if n < 20 || n > 60 { // 40 are a sixth; 5.8 is the standard deviation
		t.Errorf("%d of 240 for testing", n)
	}
}

// Identical files are in one part, but where a class has nothing else.
func TestIdenticalFilesGoTogether(t *testing.T) {
	entries := different(t, "a", 0, 20)
	for _, e := range slices.Clone(entries) {
		entries = append(entries, entry{strings.Replace(e.name, ".png", "-copy.png", 1), e.data})
	}
	same := grayPNG(t, 3, 3, 9)
	for i := range 12 {
		entries = append(entries, entry{fmt.Sprintf("same/%d.png", i), same})
	}
	for seed := range uint64(5) {
		var n notes
		d := openOK(t, writeFolder(t, entries), Options{Seed: seed, Note: n.add})
		side := sides(d)
		for path, test := range side {
			if original := strings.Replace(path, "-copy", "", 1); side[original] != test {
				t.Errorf("%s and %s are in two parts", path, original)
			}
		}
		if test := d.Test.counts(2)[1]; test == 0 || test == 12 {
			t.Errorf("%d of 12 identical images for testing", test)
		}
		n.want(t, "all files are identical, in training and in test: same")
	}
}

// A class of two images or more has one to train and one to test with; the image of a class of one is for training.
func TestEveryClassHasBothParts(t *testing.T) {
	entries := append(different(t, "big", 0, 40), different(t, "one", 0, 1)...)
	for size := 2; size < 6; size++ {
		entries = append(entries, different(t, fmt.Sprint("class", size), 0, size)...)
	}
	dir := writeFolder(t, entries)
	for seed := range uint64(20) {
		var n notes
		d := openOK(t, dir, Options{Seed: seed, Note: n.add})
		train, test := d.Train.counts(len(d.Classes)), d.Test.counts(len(d.Classes))
		for class, name := range d.Classes {
			if train[class] == 0 || (test[class] == 0) != (name == "one") {
				t.Errorf("seed %d: %d and %d images of %s", seed, train[class], test[class], name)
			}
		}
		n.want(t, "one image and so nothing to test with: one")
	}
}

// Of a class left without, the image nearest the threshold changes sides.
func TestNearestTheThresholdChangesSides(t *testing.T) {
	const th = testThreshold
	for _, c := range []struct {
		keys []uint64
		want []bool
	}{
		{[]uint64{th - 1, th}, []bool{true, false}},
		{[]uint64{th + 9, th + 5, th + 7}, []bool{false, true, false}},
		{[]uint64{th + 9, th + 5, th + 5}, []bool{false, true, true}},
		{[]uint64{th - 9, th - 5, th - 7}, []bool{true, false, true}},
		{[]uint64{th, th}, []bool{false, false}},
	} {
		if got := belowThreshold(c.keys); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, not %v", c.keys, got, c.want)
		}
	}
}

// An undivided folder is one test part until it is divided, which gives what Open gives.
func TestDivide(t *testing.T) {
	dir := writeFolder(t, append(different(t, "a", 0, 30), different(t, "b", 0, 30)...))
	want := openOK(t, dir, Options{Seed: 3})
	d := openOK(t, dir, Options{Undivided: true})
	if d.Train.Len() != 0 || d.Test.Len() != 60 || !d.Undivided || d.Digest != want.Digest {
		t.Fatalf("%d and %d images, undivided %v", d.Train.Len(), d.Test.Len(), d.Undivided)
	}
	if err := d.Divide(3, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sides(d)) != fmt.Sprint(sides(want)) || !d.Divided || d.Undivided {
		t.Error("another division")
	}
	for _, s := range []Split{d.Train, d.Test} {
		for i, f := range s.Files {
			if want := uint8(atoi(f.Path[2:6])); s.image(i)[0] != want || d.Classes[s.Labels[i]] != f.Path[:1] {
				t.Errorf("%s: image %d of class %d", f.Path, s.image(i)[0], s.Labels[i])
			}
		}
	}
	if err := d.Divide(3, func(string) {}); err == nil {
		t.Error("divided twice")
	}
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
