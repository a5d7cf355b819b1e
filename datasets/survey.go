// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goqat/goqat/images"
	_ "github.com/goqat/goqat/images/formats" // so that they are read, too
	"github.com/goqat/goqat/internal/plural"
)

// A survey is what a first look at a folder or an archive tells.
type survey struct {
	shapes  map[string]Shape  // of each file that is an image by its name; zero if it cannot be read
	stamps  map[string]stamp  // of each of them
	tags    map[string]tag    // of those that have one
	links   map[string]string // of an archive: the file whose content an image has
	folders []string          // paths of all
	faults  faults
	left    leftOut
	cifar   bool // it holds CIFAR-10 in binary form
}

// imageLimits bound an image of a data set, whose owner knows it.
var imageLimits = images.Limits{Pixels: images.MaxPixels, Bytes: maxEntry}

// look surveys all files.
func look(ctx context.Context, all files) (*survey, error) {
	s := &survey{shapes: map[string]Shape{}, stamps: map[string]stamp{}, tags: map[string]tag{}, links: map[string]string{}, faults: faults{}, left: leftOut{}}
	targets := map[string]string{}
	err := all(func(f found) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch f.kind {
		case nested:
			s.folders = append(s.folders, f.name)
		case link:
			targets[f.name] = f.target
		default:
			return s.file(f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, s.follow(targets)
}

// file notes what a file is.
func (s *survey) file(f found) error {
	base := path.Base(f.name)
	isImage, readable := images.Named(f.name)
	if f.image {
		isImage, readable = true, true
	}
	switch {
	case base == cifarFiles[0] && f.kind == regular:
		s.cifar = true
	case hidden(base):
		if isImage && !strings.HasPrefix(base, "._") { // what macOS keeps beside a file
			s.left.add("hidden", f.name)
		}
	case f.kind == deadLink && (isImage || path.Ext(f.name) == ""): // an image or the folder of a class
		s.image(f.name, Shape{}, errors.New("a link that leads nowhere"))
	case !isImage:
		s.left.add("no image by its name", f.name)
	case f.kind == special:
		s.image(f.name, Shape{}, errors.New("no regular file"))
	case !printable(f.name):
		s.image(f.name, Shape{}, errors.New("a name that cannot be printed; rename it"))
	case !readable:
		s.image(f.name, Shape{}, errors.New("a format that is not read; convert it to PNG or JPEG"))
	default:
		if _, twice := s.shapes[f.name]; twice {
			return fmt.Errorf("%s: twice in the archive; keep one", f.name)
		}
		s.stamps[f.name] = f.stamp
		if f.tag != (tag{}) {
			s.tags[f.name] = f.tag
		}
		info, err := imageLimits.Stat(f)
		s.image(f.name, Shape{info.Height, info.Width, info.Channels}, err)
	}
	return nil
}

// image notes an image, or why it cannot be read.
func (s *survey) image(name string, shape Shape, err error) {
	if err != nil {
		shape = Shape{}
		s.faults[name] = err
	}
	s.shapes[name] = shape
}

// follow finds the images that the links of an archive stand for: a file, or all files of a folder. What they stand for
// must be in the archive itself, not through another link to a folder.
func (s *survey) follow(targets map[string]string) error {
	files := s.names()
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		target := targets[name]
		for range 16 { // links to links
			next, ok := targets[target]
			if !ok {
				break
			}
			target = next
		}
		isImage, _ := images.Named(name)
		if _, ok := slices.BinarySearch(files, target); ok && isImage {
			s.link(name, target)
			continue
		}
		first, _ := slices.BinarySearch(files, target+"/")
		below := 0
		for _, file := range files[first:] {
			rest, ok := strings.CutPrefix(file, target+"/")
			if !ok {
				break
			}
			s.link(path.Join(name, rest), file)
			below++
		}
		if len(s.shapes) > maxEntries {
			return fmt.Errorf("links that stand for more than %d files; divide the archive", maxEntries)
		}
		if below == 0 && (isImage || path.Ext(name) == "") {
			s.image(name, Shape{}, fmt.Errorf("a link to %s, which is not in the archive", printed(target)))
		} else if below == 0 {
			s.left.add("no image by its name", name)
		}
	}
	return nil
}

func (s *survey) link(name, target string) {
	if hidden(name) {
		return
	}
	s.links[name] = target
	s.image(name, s.shapes[target], s.faults[target])
}

// names are the images, those that cannot be read included, in order.
func (s *survey) names() []string {
	names := make([]string, 0, len(s.shapes))
	for name := range s.shapes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// native is the shape of the data set when nobody asks for one: the size of the first image that can be read, shrunk to
// maxNativeSide, and gray if every image is.
func (s *survey) native(files []labelled) Shape {
	var shape Shape
	channels := 1
	for _, f := range files {
		of := s.shapes[f.name]
		channels = max(channels, of.Channels)
		if shape == (Shape{}) {
			shape = of
		}
	}
	shape.Channels = channels
	return shape.within(maxNativeSide)
}

// faults are the files that ought to be images and cannot be read, and why.
type faults map[string]error

// A sentence names so many files, or reasons, and so many files of each of several reasons.
const (
	shown     = 10
	shownEach = 3
)

// Error says each reason once, with the first files of it.
func (f faults) Error() string {
	files := map[string][]string{}
	var reasons []string // in the order of their first files
	for _, name := range slices.Sorted(maps.Keys(f)) {
		reason := strings.TrimPrefix(f[name].Error(), "images: ")
		if files[reason] == nil {
			reasons = append(reasons, reason)
		}
		files[reason] = append(files[reason], name)
	}
	told := 0
	var list []string
	for _, reason := range reasons[:min(shown, len(reasons))] {
		list = append(list, first(files[reason], shownEach)+": "+reason)
		told += len(files[reason])
	}
	return plural.Of(len(f), "file") + " cannot be read: " + strings.Join(list, ", ") + more(len(f)-told)
}

// leftOut are files that are not read, by reason.
type leftOut map[string][]string

func (l leftOut) add(reason string, names ...string) { l[reason] = append(l[reason], names...) }

// say tells what is left out, a sentence a reason.
func (l leftOut) say(note func(string)) {
	reasons := make([]string, 0, len(l))
	for reason := range l {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		names := l[reason]
		slices.Sort(names)
		note(fmt.Sprintf("left out, %s: %s (%s)", reason, plural.Of(len(names), "file"), listed(names)))
	}
}

// more ends a list of which so many are not shown.
func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

func printable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// printed is a name in a form that does not garble a terminal.
func printed(name string) string {
	if printable(name) {
		return name
	}
	return strconv.QuoteToASCII(name)
}
