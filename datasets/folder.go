// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/goqat/goqat/images"
)

// maxNativeSide is the longest side of images whose size nobody asked for.
const maxNativeSide = 256

// A survey is what a first look at a folder or an archive tells.
type survey struct {
	shapes map[string]Shape // of each image file, by path
	cifar  bool             // it holds CIFAR-10 in binary form instead
}

// openImages reads a folder or an archive of images in two passes: a survey of the file names and image sizes, then the pixels, decoded on all
// processors. The order of the images does not depend on that of the files: within a split the classes take turns, each by path.
func openImages(all files, o Options) (*Dataset, error) {
	s, err := look(all)
	if err != nil {
		return nil, err
	}
	if s.cifar && len(s.shapes) == 0 {
		d, err := openCIFAR(all)
		if err != nil {
			return nil, err
		}
		return d, d.conform(o)
	}
	names := make([]string, 0, len(s.shapes))
	for name := range s.shapes {
		names = append(names, name)
	}
	l, err := newLayout(names)
	if err != nil {
		return nil, err
	}
	shape, err := o.shape(s.native(l))
	if err != nil {
		return nil, err
	}
	if need := int64(len(l.train)+len(l.test)) * int64(shape.Size()); need > maxBytes {
		return nil, fmt.Errorf("%d images of %v need %d GiB; ask for smaller ones", len(l.train)+len(l.test), shape, need>>30)
	}
	d := &Dataset{Classes: l.classes, Shape: shape}
	places := make(map[string][]uint8, len(names))
	d.Train = reserve(l.train, shape, places)
	d.Test = reserve(l.test, shape, places)
	if err := decodeAll(all, places, shape); err != nil {
		return nil, err
	}
	if d.Test.Len() == 0 {
		d.Digest = digest(d.Classes, d.Shape, d.Train)
		kept, held := stratify(d.Train.Labels, 6, o.Seed, purposeTest)
		if len(held) == 0 {
			return nil, errors.New("one image a class; at least 2 are needed, to train and to test with")
		}
		d.Train, d.Test, d.Divided = d.Train.Subset(kept), d.Train.Subset(held), true
	}
	return d, nil
}

// look surveys all files.
func look(all files) (survey, error) {
	s := survey{shapes: map[string]Shape{}}
	err := all(func(name string, r io.Reader) error {
		if path.Base(name) == cifarFiles[0] {
			s.cifar = true
		}
		if ok, err := isImage(name); !ok {
			return err
		}
		if _, twice := s.shapes[name]; twice {
			return fmt.Errorf("%s: twice in the archive; keep one", name)
		}
		height, width, channels, err := images.Stat(r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.shapes[name] = Shape{height, width, channels}
		return nil
	})
	return s, err
}

// isImage tells by its name whether a file is an image. Images of formats that cannot be read are an error rather than left out, and so are
// names that would garble a terminal.
func isImage(name string) (bool, error) {
	extension := strings.ToLower(path.Ext(name))
	readable := slices.Contains([]string{".png", ".jpg", ".jpeg"}, extension)
	if !readable && !slices.Contains([]string{".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".heic", ".jp2", ".jxl", ".pgm", ".ppm"}, extension) {
		return false, nil
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return false, fmt.Errorf("%+q: a name that cannot be printed; rename it", name)
	}
	if !readable {
		return false, fmt.Errorf("%s: neither PNG nor JPEG; convert it or take it out", name)
	}
	return true, nil
}

// native is the shape of the data set when nobody asks for one: the size of the first training image, shrunk to maxNativeSide, and gray if
// every image is.
func (s survey) native(l layout) Shape {
	shape := s.shapes[l.train[0].name]
	if side := max(shape.Height, shape.Width); side > maxNativeSide {
		shape.Height = max(1, (shape.Height*maxNativeSide+side/2)/side)
		shape.Width = max(1, (shape.Width*maxNativeSide+side/2)/side)
	}
	shape.Channels = 1
	for _, part := range [][]labelled{l.train, l.test} {
		for _, f := range part {
			shape.Channels = max(shape.Channels, s.shapes[f.name].Channels)
		}
	}
	return shape
}

// reserve makes a split for the files, the classes taking turns, and notes the place of each file's pixels.
func reserve(part []labelled, shape Shape, places map[string][]uint8) Split {
	turn := make(map[string]int, len(part))
	var counts []int
	for _, f := range part {
		for int(f.class) >= len(counts) {
			counts = append(counts, 0)
		}
		turn[f.name] = counts[f.class]
		counts[f.class]++
	}
	part = slices.Clone(part)
	slices.SortStableFunc(part, func(a, b labelled) int { return turn[a.name] - turn[b.name] })
	s := Split{Images: make([]uint8, len(part)*shape.Size()), Labels: make([]int32, len(part))}
	for i, f := range part {
		s.Labels[i] = f.class
		places[f.name] = s.Image(i)
	}
	return s
}

// decodeAll puts the pixels of every file into its place. One goroutine reads, as many as there are processors decode.
func decodeAll(all files, places map[string][]uint8, shape Shape) error {
	type job struct {
		name  string
		data  []byte
		place []uint8
	}
	jobs := make(chan job)
	failed := make(chan error, 1) // the first failure
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				pixels, err := images.Decode(bytes.NewReader(j.data), shape.Height, shape.Width, shape.Channels)
				if err != nil {
					select {
					case failed <- fmt.Errorf("%s: %w", j.name, err):
						close(stop)
					default:
					}
					continue
				}
				copy(j.place, pixels)
			}
		})
	}
	missing := len(places)
	errStop := errors.New("stopped")
	err := all(func(name string, r io.Reader) error {
		place, ok := places[name]
		if !ok {
			return nil
		}
		data, err := readEntry(r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		missing--
		select {
		case jobs <- job{name, data, place}:
			return nil
		case <-stop:
			return errStop
		}
	})
	close(jobs)
	workers.Wait()
	select {
	case err = <-failed:
	default:
	}
	if err == nil && missing != 0 {
		err = errors.New("changed while it was read; try again")
	}
	return err
}
