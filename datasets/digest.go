// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
)

// A digester hashes values so that no two lists of them look alike.
type digester struct{ hash.Hash }

func (h digester) number(n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

func (h digester) text(s string) {
	h.number(len(s))
	h.Write([]byte(s))
}

func (h digester) classes(names []string) {
	h.number(len(names))
	for _, name := range names {
		h.text(name)
	}
}

func (h digester) String() string { return hex.EncodeToString(h.Sum(nil)) }

// A taggedFile is a file with the part and the class of its image.
type taggedFile struct {
	File
	tag
}

// digestFiles returns the digest of images in files of their own: the names of the classes, and the path and the
// SHA-256 of each file, by path. Where the set lies, how it is packed, and the size the images are wanted in do not
// matter.
func digestFiles(d *Dataset) string {
	h := digester{sha256.New()}
	h.classes(d.Classes)
	var files []taggedFile
	for _, s := range []struct {
		name string
		Split
	}{{partTrain, d.Train}, {partValidation, d.Validation}, {partTest, d.Test}} {
		for i, f := range s.Files {
			files = append(files, taggedFile{f, tag{s.name, d.Classes[s.Labels[i]]}})
		}
	}
	slices.SortFunc(files, func(a, b taggedFile) int { return strings.Compare(a.Path, b.Path) })
	h.number(len(files))
	for _, f := range files {
		h.text(f.Path[d.root:])
		h.Write(f.SHA256[:])
		if d.tagged { // else the path says it
			h.text(f.part)
			h.text(f.class)
		}
	}
	return h.String()
}

// digestPixels returns the digest of images of which a file holds many: the names of the classes, the size of the
// images, and the label and the pixels of each, part by part and in order.
func digestPixels(d *Dataset) string {
	h := digester{sha256.New()}
	h.classes(d.Classes)
	parts := []Split{d.Train, d.Test}
	if d.Validation.Len() > 0 {
		parts = append(parts, d.Validation)
	}
	for _, n := range []int{d.Height, d.Width, d.Channels, len(parts)} {
		h.number(n)
	}
	for _, s := range parts {
		h.number(s.Len())
		for i, label := range s.Labels {
			h.number(int(label))
			h.Write(s.image(i))
		}
	}
	return h.String()
}
