// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// A store is a file of decoded images: the values of one after the other, then what is known of them as JSON, and an
// end of fixed length, which has the length and the SHA-256 of the JSON. Images are read when they are wanted, by
// ReadAt and not by mapping the file into memory: pages that were mapped would count as memory of the process, and a
// file that is cut short or whose disk fails would end it by a signal that Go cannot turn into an error.
type store struct {
	file *os.File
	size int      // of an image
	sums []uint32 // CRC-32C of each image
}

// contents is what a store knows of its images beside their values.
type contents struct {
	Key    string // see storeKey
	Source string // the folder or archive they are from
	Size   int    // values of an image

	Sums   []uint32          // CRC-32C of each image, 0 of one that cannot be read
	SHA256 [][]byte          // of the file of each
	Faults map[string]string // files that cannot be read, and why
	Turned int               // images that an orientation in their files turned
	Deep   levels
}

const (
	storeMagic = "goqat images 1\n\x00"
	storeEnd   = 8 + sha256.Size + len(storeMagic)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errStale is the error of a file that is no store, a damaged one, or one of other images: it is made anew.
var errStale = errors.New("not the images that are wanted")

// read reads the image at a place.
func (s *store) read(out []uint8, place int) error {
	if _, err := s.file.ReadAt(out, int64(place)*int64(s.size)); err != nil {
		return fmt.Errorf("datasets: cache file %s: %w; remove the file and start again", s.file.Name(), err)
	}
	if crc32.Checksum(out, castagnoli) != s.sums[place] {
		return fmt.Errorf("datasets: cache file %s was damaged while it was in use: image %d is another one; remove the file and start again", s.file.Name(), place)
	}
	return nil
}

// write puts an image in its place.
func (s *store) write(image []uint8, place int) error {
	if _, err := s.file.WriteAt(image, int64(place)*int64(s.size)); err != nil {
		return fmt.Errorf("cache file: %w; free some space, ask for smaller images, or name another folder for caches (XDG_CACHE_HOME)", err)
	}
	s.sums[place] = crc32.Checksum(image, castagnoli)
	return nil
}

// finish writes what follows the images.
func (s *store) finish(c *contents) error {
	c.Sums, c.Size = s.sums, s.size
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	end := binary.LittleEndian.AppendUint64(text, uint64(len(text)))
	end = append(append(end, sum[:]...), storeMagic...)
	_, err = s.file.WriteAt(end, int64(len(s.sums))*int64(s.size))
	return err
}

// openStore opens a file of so many images, made with a key. The error is errStale if it is another file or a damaged
// one.
func openStore(path, key string, images int) (*store, *contents, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	c, err := readContents(file)
	if err == nil && (c.Key != key || len(c.Sums) != images || len(c.SHA256) != images) {
		err = errStale
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return &store{file, c.Size, c.Sums}, c, nil
}

// readContents reads what follows the images of a store, and holds the length of the file against it.
func readContents(file *os.File) (*contents, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	end := make([]byte, storeEnd)
	if _, err := file.ReadAt(end, max(0, info.Size()-int64(storeEnd))); err != nil || !bytes.HasSuffix(end, []byte(storeMagic)) {
		return nil, errStale
	}
	length := binary.LittleEndian.Uint64(end)
	if length > uint64(info.Size()) {
		return nil, errStale
	}
	at := info.Size() - int64(storeEnd) - int64(length)
	if at < 0 {
		return nil, errStale
	}
	text := make([]byte, length)
	if _, err := file.ReadAt(text, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, errStale
	}
	if sum := sha256.Sum256(text); !bytes.Equal(sum[:], end[8:8+sha256.Size]) {
		return nil, errStale
	}
	var c contents
	if err := json.Unmarshal(text, &c); err != nil || c.Size < 1 || int64(len(c.Sums))*int64(c.Size) != at {
		return nil, errStale
	}
	return &c, nil
}

// check reads all images, by all processors; errStale if one is damaged. A sum of 0 is that of a file that cannot be
// read, of which there is no image.
func (s *store) check(ctx context.Context, progress func(done, total int)) error {
	var next, done, bad atomic.Int64
	var readers sync.WaitGroup
	var mutex sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			image := make([]uint8, s.size)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(s.sums) || ctx.Err() != nil || bad.Load() > 0 {
					return
				}
				if s.sums[i] != 0 && s.read(image, i) != nil {
					bad.Add(1)
				}
				n := int(done.Add(1))
				if progress != nil {
					mutex.Lock()
					progress(n, len(s.sums))
					mutex.Unlock()
				}
			}
		})
	}
	readers.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if bad.Load() > 0 {
		return errStale
	}
	return nil
}
