// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/internal/plural"
)

// A reading is the second pass over images, to the memory or the file where they stay.
type reading struct {
	all   Split // every file in its place
	shape Shape
	rule  images.Rule
	index map[string]int // of the files, by name
	links map[string]string

	unseen bool // files are read for what they hold, and not decoded

	mutex  sync.Mutex
	faults faults
	err    error // of the file where images go
	turned int   // images that an orientation in their files turned
	deep   levels
}

// read reads the files, which the survey found, into memory, or into a file of the user's cache where they take more of it than o says.
func (o Options) read(ctx context.Context, source string, all files, list []labelled, shape Shape, s *survey) (*reading, error) {
	r := newReading(list, shape, o.Resize, s)
	var err error
	if int64(len(list))*int64(shape.Size()) <= o.inMemory() {
		r.all.Images, r.all.places = make([]uint8, len(list)*shape.Size()), nil
		if err = r.decode(ctx, all, o.Progress); err == nil {
			err = r.broken(o)
		}
	} else {
		err = o.readCached(ctx, source, all, list, s, r)
	}
	if err != nil {
		return nil, err
	}
	if len(s.faults) > 0 {
		o.note("left out: " + s.faults.Error())
	}
	return r, nil
}

// readCached is read of images that are kept in a file.
func (o Options) readCached(ctx context.Context, source string, all files, list []labelled, s *survey, r *reading) error {
	cache, err := o.cache(source, list, r.shape, s)
	if err != nil {
		return err
	}
	reused, err := r.reuse(ctx, cache, o.Progress)
	if err != nil {
		return err
	}
	if reused {
		if err := r.broken(o); err != nil {
			r.all.stored.file.Close()
			return err
		}
		return nil
	}
	if r.all.stored, err = cache.create(len(list), r.shape.Size()); err != nil {
		return fmt.Errorf("the cache file of images: %w; name another folder for caches by XDG_CACHE_HOME, or ask for smaller images by data.height and data.width", err)
	}
	if err = r.decode(ctx, all, o.Progress); err == nil {
		err = r.broken(o)
	}
	if err == nil {
		err = cache.commit(r.all.stored, r.contents())
	}
	if err != nil {
		discard(r.all.stored)
	}
	return err
}

// ErrBroken is in the error of files that cannot be read, unless Options.SkipBroken is set.
var ErrBroken = errors.New("or leave out what cannot be read")

// broken is an error if there are files that cannot be read and are not to be left out.
func (r *reading) broken(o Options) error {
	if len(r.faults) == 0 || o.SkipBroken {
		return nil
	}
	return fmt.Errorf("%w, %w", r.faults, ErrBroken)
}

// cache says where the images are kept that memory is too small for.
func (o Options) cache(source string, list []labelled, shape Shape, s *survey) (cacheFile, error) {
	dir := imageCache()
	gib := float64(int64(len(list))*int64(shape.Size())) / (1 << 30)
	if dir == "" {
		return cacheFile{}, fmt.Errorf("%d images of %v take %.1f GiB of memory, more than the %.1f GiB that images may, and there is no folder for caches; set XDG_CACHE_HOME, or %w", len(list), shape, gib, float64(o.inMemory())/(1<<30), ErrTooLarge)
	}
	o.note(fmt.Sprintf("%d images of %v take %.1f GiB and are kept in a file of %s, not in memory (qat data list shows such files, qat data clear removes them); smaller images are asked for by data.height and data.width", len(list), shape, gib, dir))
	return newCacheFile(dir, sourceOf(source), o.Resize, list, shape, s), nil
}

// isCached tells whether all images of a set are in a cache, from where they come sooner than a part of them from their files.
func (o Options) isCached(source string, list []labelled, shape Shape, s *survey) bool {
	dir := imageCache()
	if dir == "" || int64(len(list))*int64(shape.Size()) <= o.inMemory() {
		return false
	}
	cache := newCacheFile(dir, sourceOf(source), o.Resize, list, shape, s)
	st, _, err := openStore(cache.path, cache.key, len(list))
	if err != nil {
		return false
	}
	st.file.Close()
	return true
}

// reuse takes the images from a cache, if there is one of these very files.
func (r *reading) reuse(ctx context.Context, cache cacheFile, progress func(done, total int)) (bool, error) {
	st, c, err := cache.open(ctx, len(r.all.Files), progress)
	if err != nil {
		return false, ctx.Err() // it is made, or made anew
	}
	r.all.stored, r.turned, r.deep = st, c.Turned, c.Deep
	for i, sum := range c.SHA256 {
		copy(r.all.Files[i].SHA256[:], sum)
	}
	for name, text := range c.Faults {
		r.faults[name] = errors.New(text)
	}
	r.copyLinks()
	return true, nil
}

// contents are what is to be known of the images when they are used again.
func (r *reading) contents() *contents {
	c := &contents{Turned: r.turned, Deep: r.deep, Faults: map[string]string{}}
	for i := range r.all.Files {
		c.SHA256 = append(c.SHA256, r.all.Files[i].SHA256[:])
	}
	for name, err := range r.faults {
		c.Faults[name] = err.Error()
	}
	return c
}

// newReading has a place for every file, and none for its pixels yet.
func newReading(files []labelled, shape Shape, rule images.Rule, s *survey) *reading {
	r := &reading{
		all: Split{
			Labels: make([]int32, len(files)), Files: make([]File, len(files)), places: make([]int32, len(files)),
		},
		shape: shape, rule: rule, index: make(map[string]int, len(files)), links: s.links, faults: s.faults,
	}
	for i, f := range files {
		r.all.Labels[i], r.all.Files[i].Path, r.all.places[i], r.index[f.name] = f.class, f.name, int32(i), i
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
	if err = cmp.Or(r.err, err, ctx.Err()); err == nil {
		r.copyLinks()
	}
	return err
}

// read sends the content of every file that can be read.
func (r *reading) read(ctx context.Context, all files, jobs chan<- job, progress func(done, total int)) error {
	seen := make([]bool, len(r.all.Files))
	done := 0
	err := all(func(f found) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		i, ok := r.index[f.name]
		if !ok || f.kind != regular || seen[i] || r.fault(f.name) != nil {
			return r.stopped()
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
		return r.stopped()
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
	if r.unseen {
		r.all.Files[j.i].SHA256 = sha256.Sum256(j.data)
		return
	}
	m, info, err := imageLimits.Read(bytes.NewReader(j.data))
	file := &r.all.Files[j.i]
	if err != nil {
		r.fail(file.Path, err)
		return
	}
	r.unusual(m, info)
	if err := r.put(j.i, m.Fit(r.rule, r.shape.Height, r.shape.Width, r.shape.Channels).Pixels); err != nil {
		r.stop(err)
		return
	}
	file.SHA256 = sha256.Sum256(j.data)
}

// put keeps an image.
func (r *reading) put(i int, pixels []uint8) error {
	if r.all.stored != nil {
		return r.all.stored.write(pixels, i)
	}
	copy(r.all.image(i), pixels)
	return nil
}

// stop ends the reading by an error, the first of several.
func (r *reading) stop(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.err = cmp.Or(r.err, err)
}

// stopped is the error that ended the reading, or nil.
func (r *reading) stopped() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.err
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
		note("turned upright, by the orientation noted in the file: " + plural.Of(r.turned, "image"))
	}
	r.deep.say(note)
}

// copyLinks gives the links of an archive the content of their files.
func (r *reading) copyLinks() {
	for name, target := range r.links {
		to, used := r.index[name]
		from, ok := r.index[target]
		switch {
		case !used:
		case !ok:
			r.faults[name] = fmt.Errorf("a link to %s, which is in no class", printed(target))
		case r.faults[target] != nil:
			r.faults[name] = r.faults[target]
		default:
			if r.all.stored != nil {
				r.all.places[to] = r.all.places[from]
			} else {
				copy(r.all.image(to), r.all.image(from))
			}
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
