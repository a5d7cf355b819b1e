// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/goqat/goqat/images"
)

// maxNativeSide is the longest side of images whose size nobody asked for.
const maxNativeSide = 256

// muchMemory is from how many bytes on it is said how much memory images take.
const muchMemory = 1 << 30

// openImages reads a folder or an archive of images in two passes: a survey of the file names and image sizes, then the pixels, decoded on all
// processors. The order of the images does not depend on that of the files: within a split the classes take turns, each by path.
func openImages(ctx context.Context, all files, o Options) (*Dataset, error) {
	s, err := look(ctx, all)
	if err != nil {
		return nil, err
	}
	if s.cifar && len(s.shapes) == 0 {
		return openCIFAR(all)
	}
	l, err := newLayout(s.names())
	if err != nil {
		return nil, err
	}
	l.unused(s)
	s.left.say(o.note)
	l.say(o.note)
	parts := [][]labelled{inTurns(l.train), inTurns(l.validation), inTurns(l.test)}
	files := slices.Concat(parts...)
	if len(s.faults) == len(s.shapes) {
		return nil, s.faults
	}
	shape, err := o.shape(s.native(files))
	if err != nil {
		return nil, err
	}
	if err := o.memory(len(files), shape); err != nil {
		return nil, err
	}
	r := newReading(files, shape, s)
	if err := r.decode(ctx, all, o.Progress); err != nil {
		return nil, err
	}
	if len(s.faults) > 0 && !o.SkipBroken {
		return nil, fmt.Errorf("%w; mend or remove them, or leave them out by --skip-broken", s.faults)
	}
	if len(s.faults) > 0 {
		o.note("left out: " + s.faults.Error())
	}
	r.say(o.note)
	d := &Dataset{Classes: l.classes, Shape: shape, root: len(l.root)}
	d.Train, d.Validation, d.Test = r.parts(parts, s.faults)
	if err := d.checkClasses(); err != nil {
		return nil, err
	}
	if len(l.validation) > 0 && d.Validation.Len() == 0 || len(l.test) > 0 && d.Test.Len() == 0 {
		return nil, errors.New("none of the validation images or none of the test images can be read; mend some")
	}
	d.Digest = digestFiles(d)
	d.sayMissing(partValidation, d.Validation, o.note)
	d.sayMissing(partTest, d.Test, o.note)
	if d.Test.Len() > 0 {
		return d, nil
	}
	d.Train, d.Test, d.Undivided = Split{}, d.Train, true
	if o.Undivided {
		return d, nil
	}
	return d, d.divide(o.Seed, o.note)
}

// checkClasses wants at least one image of every class.
func (d *Dataset) checkClasses() error {
	for class, n := range d.Train.counts(len(d.Classes)) {
		if n == 0 {
			return fmt.Errorf("class %s: none of its training images can be read; mend some or remove its folder", printed(d.Classes[class]))
		}
	}
	return nil
}

// sayMissing tells which classes a part has no images of.
func (d *Dataset) sayMissing(part string, s Split, note func(string)) {
	var missing []string
	for class, n := range s.counts(len(d.Classes)) {
		if n == 0 {
			missing = append(missing, d.Classes[class])
		}
	}
	if len(missing) > 0 && s.Len() > 0 {
		note("no " + part + " images of " + listed(missing))
	}
}

// inTurns orders the files of a part so that the classes take turns. Within a class they keep their order.
func inTurns(part []labelled) []labelled {
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
	return part
}

// A reading is the second pass over images, into the memory where they stay.
type reading struct {
	all    Split // every file in its place
	shape  Shape
	places map[string]int // of the files, by name
	links  map[string]string

	mutex  sync.Mutex
	faults faults
	turned int // images that an orientation in their files turned
	deep   levels
}

func newReading(files []labelled, shape Shape, s *survey) *reading {
	r := &reading{
		all: Split{
			Images: make([]uint8, len(files)*shape.Size()), Labels: make([]int32, len(files)), Files: make([]File, len(files)),
		},
		shape: shape, places: make(map[string]int, len(files)), links: s.links, faults: s.faults,
	}
	for i, f := range files {
		r.all.Labels[i], r.all.Files[i].Path, r.places[f.name] = f.class, f.name, i
	}
	return r
}

// A job is a file to decode into place i.
type job struct {
	i    int
	data []byte
}

// decode reads and decodes every file. One goroutine reads, as many as there are processors decode. A file that cannot be decoded is a fault.
func (r *reading) decode(ctx context.Context, all files, progress func(done, total int)) error {
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				if ctx.Err() == nil {
					r.image(j)
				}
			}
		})
	}
	err := r.read(ctx, all, jobs, progress)
	close(jobs)
	workers.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		r.copyLinks()
	}
	return err
}

// read sends the content of every file that can be read.
func (r *reading) read(ctx context.Context, all files, jobs chan<- job, progress func(done, total int)) error {
	seen := make([]bool, len(r.all.Files))
	done := 0
	err := all(func(f found) error {
		i, ok := r.places[f.name]
		if !ok || f.kind != regular || seen[i] || r.fault(f.name) != nil {
			return ctx.Err()
		}
		data, err := readEntry(f)
		if err != nil {
			r.fail(f.name, err)
			return nil
		}
		seen[i] = true
		select {
		case jobs <- job{i, data}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if done++; progress != nil {
			progress(done, len(seen))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range r.all.Files {
		name := r.all.Files[i].Path // its hash may be on its way
		if !seen[i] && r.links[name] == "" && r.fault(name) == nil {
			return errors.New("changed while it was read; try again")
		}
	}
	return nil
}

// image decodes an image into its place.
func (r *reading) image(j job) {
	m, info, err := imageLimits.Read(bytes.NewReader(j.data))
	file := &r.all.Files[j.i]
	if err != nil {
		r.fail(file.Path, err)
		return
	}
	r.unusual(m, info)
	copy(r.all.Image(j.i), m.Recolor(r.shape.Channels).Resize(r.shape.Height, r.shape.Width).Pixels)
	file.SHA256 = sha256.Sum256(j.data)
}

// unusual counts what is to be said of an image.
func (r *reading) unusual(m images.Image, info images.Info) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if info.Orientation != 1 {
		r.turned++
	}
	if info.Deep {
		r.deep.add(m)
	}
}

func (r *reading) fail(name string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.faults[name] = err
}

func (r *reading) fault(name string) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.faults[name]
}

// say tells what is unusual about the images.
func (r *reading) say(note func(string)) {
	if r.turned > 0 {
		note("turned upright, by the orientation noted in the file: " + count(r.turned, "image"))
	}
	r.deep.say(note)
}

// copyLinks gives the links of an archive the content of their files.
func (r *reading) copyLinks() {
	for name, target := range r.links {
		to, used := r.places[name]
		from, ok := r.places[target]
		switch {
		case !used:
		case !ok:
			r.faults[name] = fmt.Errorf("a link to %s, which is in no class", printed(target))
		case r.faults[target] != nil:
			r.faults[name] = r.faults[target]
		default:
			copy(r.all.Image(to), r.all.Image(from))
			r.all.Files[to].SHA256 = r.all.Files[from].SHA256
		}
	}
}

// parts are the images of training, validation and test, whose files were read in this order, without the faulty ones.
func (r *reading) parts(files [][]labelled, bad faults) (train, validation, test Split) {
	var order [3][]int
	i := 0
	for part := range files {
		for _, f := range files[part] {
			if bad[f.name] == nil {
				order[part] = append(order[part], i)
			}
			i++
		}
	}
	p := r.all.arrange(order[:]...)
	return p[0], p[1], p[2]
}
