// SPDX-License-Identifier: Apache-2.0

package datasets

import "testing"

// TestDigestTellsDataApart: the digest is one for every form in which a set is packed and for every seed, and another
// when an image is added or changed, two labels are swapped, or a class has another name.
func TestDigestTellsDataApart(t *testing.T) {
	entries := without(pictures(t, 6, 0), "")
	var want string
	for _, path := range writeEvery(t, entries) {
		for seed := range uint64(2) {
			d := openOK(t, path, Options{Seed: seed})
			if want == "" {
				want = d.Digest
			}
			if len(d.Digest) != 64 || d.Digest != want {
				t.Errorf("%s, seed %d: digest %q, want %q", path, seed, d.Digest, want)
			}
		}
	}
	changed := func(change func(e []entry) []entry) []entry { return change(append([]entry(nil), entries...)) }
	for name, e := range map[string][]entry{
		"an image added":     changed(func(e []entry) []entry { return append(e, entry{"cat/100.png", grayPNG(t, 6, 5, 9)}) }),
		"a pixel changed":    changed(func(e []entry) []entry { e[3].data = grayPNG(t, 6, 5, 77); return e }),
		"two labels swapped": changed(func(e []entry) []entry { e[0].data, e[len(e)-1].data = e[len(e)-1].data, e[0].data; return e }),
		"a class renamed":    append(without(pictures(t, 6, 0), "")[:12:12], entry{"zebra/1.png", grayPNG(t, 6, 5, 1)}, entry{"zebra/2.png", grayPNG(t, 6, 5, 2)}),
	} {
		if d := openOK(t, writeFolder(t, e), Options{}); d.Digest == want {
			t.Errorf("%s: the same digest", name)
		}
	}
	a, err := Open(sampleName, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(sampleName, Options{Seed: 9})
	if err != nil || a.Digest != b.Digest || a.Digest == want {
		t.Errorf("%s: digests %q and %q, %v", sampleName, a.Digest, b.Digest, err)
	}
}

// TestDigestIsOfTheFiles: the digest of images in files is that of the files; neither the size they are wanted in nor
// the folder above matters.
func TestDigestIsOfTheFiles(t *testing.T) {
	entries := without(pictures(t, 3, 0), "")
	want := openOK(t, writeFolder(t, entries), Options{}).Digest
	if d := openOK(t, writeFolder(t, without(pictures(t, 3, 0), "pets/")), Options{Height: 9, Width: 4, Channels: 3}); d.Digest != want {
		t.Error("another digest of another size")
	}
	entries[0].data = append(entries[0].data, "a comment"...) // the same pixels
	if d := openOK(t, writeFolder(t, entries), Options{}); d.Digest == want {
		t.Error("the same digest of another file")
	}
}
