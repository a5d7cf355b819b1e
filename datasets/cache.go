// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/internal/memory"
)

// mostInMemory is how many bytes of decoded images are kept in memory, unless Options.Memory says otherwise: more are
// kept in a file.
const mostInMemory = 512 << 20

// inMemory is how many bytes of images may be kept in memory.
func (o Options) inMemory() int64 {
	if o.Memory > 0 {
		return o.Memory
	}
	if limit := memory.Limit() / memoryShare; limit > 0 {
		return min(mostInMemory, limit)
	}
	return mostInMemory
}

// imageCache is the folder of decoded images in the user's cache, "" where there is none.
func imageCache() string {
	dir := cacheDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "images")
}

const (
	storeExtension   = ".images"
	partialExtension = ".partial"
)

// A cacheFile is where the images of some files are kept once they are decoded.
type cacheFile struct {
	source string // the folder or archive
	key    string // of the files as they are and of the images that are wanted
	path   string
}

// newCacheFile names the file for images in the given order, shape and rule, from files as the survey found them. The
// name begins with what stays the same when files change, so that the caches of older states of a folder are found.
func newCacheFile(dir, source string, rule images.Rule, files []labelled, shape Shape, s *survey) cacheFile {
	about, state := digester{sha256.New()}, digester{sha256.New()}
	about.text(source)
	about.text(shape.String())
	about.text(string(cmp.Or(rule, images.Stretch)))
	state.number(len(files))
	for _, f := range files {
		state.text(f.name)
		state.text(s.links[f.name])
		state.number(int(s.stamps[f.name].size))
		state.number(int(s.stamps[f.name].changed))
	}
	a, b := about.String(), state.String()
	return cacheFile{source, a + b, filepath.Join(dir, a[:16]+"-"+b[:16]+storeExtension)}
}

// open opens the store of the file and checks it; errStale or fs.ErrNotExist if it is to be made.
func (f cacheFile) open(ctx context.Context, images int, progress func(done, total int)) (*store, *contents, error) {
	st, c, err := openStore(f.path, f.key, images)
	if err != nil {
		return nil, nil, err
	}
	if err := st.check(ctx, progress); err != nil {
		st.file.Close()
		return nil, nil, err
	}
	return st, c, nil
}

// create makes an empty store, to be finished by commit or given up by discard. Others may make the same one at the
// same time.
func (f cacheFile) create(images, size int) (*store, error) {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	sweep(dir)
	file, err := os.CreateTemp(dir, "*"+partialExtension)
	if err != nil {
		return nil, err
	}
	return &store{file, size, make([]uint32, images)}, nil
}

// commit gives a whole store its name, and removes those of older states of its folder.
func (f cacheFile) commit(st *store, c *contents) error {
	c.Key, c.Source = f.key, f.source
	if err := st.finish(c); err != nil {
		return err
	}
	older, _ := filepath.Glob(filepath.Join(filepath.Dir(f.path), strings.SplitN(filepath.Base(f.path), "-", 2)[0]+"-*"+storeExtension))
	for _, path := range older {
		os.Remove(path) // in use on a system that forbids it: it stays
	}
	return os.Rename(st.file.Name(), f.path)
}

// discard removes a store that was not finished.
func discard(st *store) {
	st.file.Close()
	os.Remove(st.file.Name())
}

// staleAfter is the age at which a file that nobody finished is given up: who writes one does so all the time.
const staleAfter = time.Hour

// sweep removes the unfinished files that a kill left.
func sweep(dir string) {
	partial, _ := filepath.Glob(filepath.Join(dir, "*"+partialExtension))
	for _, path := range partial {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleAfter {
			os.Remove(path)
		}
	}
}

// A Cached is a file of decoded images in the user's cache.
type Cached struct {
	Path   string    `json:"path"`
	Source string    `json:"source"` // the folder or archive; "" of a file that is damaged or not finished
	Images int       `json:"images"`
	Bytes  int64     `json:"bytes"`
	Made   time.Time `json:"made"`
}

// CachedImages lists the files of decoded images in the user's cache.
func CachedImages() ([]Cached, error) {
	list := []Cached{}
	dir := imageCache()
	if dir == "" {
		return list, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // as where HOME is /dev/null
		return list, nil
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || filepath.Ext(e.Name()) != storeExtension && filepath.Ext(e.Name()) != partialExtension {
			continue
		}
		c := Cached{Path: filepath.Join(dir, e.Name()), Bytes: info.Size(), Made: info.ModTime()}
		if file, err := os.Open(c.Path); err == nil {
			if known, err := readContents(file); err == nil {
				c.Source, c.Images = known.Source, len(known.Sums)
			}
			file.Close()
		}
		list = append(list, c)
	}
	return list, nil
}

// ClearCachedImages removes all files of decoded images from the user's cache and returns those removed. A training
// that uses one goes on where the system lets it.
func ClearCachedImages() ([]Cached, error) {
	list, err := CachedImages()
	if err != nil {
		return nil, err
	}
	for i, c := range list {
		if err := os.Remove(c.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return list[:i], fmt.Errorf("datasets: %w", err)
		}
	}
	return list, nil
}

// sourceOf is the absolute path of a folder or archive, by which its caches are known.
func sourceOf(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}
