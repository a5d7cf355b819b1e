// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/signals"
)

// Options say where to look for a data set and how its images are wanted.
type Options struct {
	Dir  string // looked in first for a named set; may be empty
	Seed uint64 // of the choice of test images, where a folder has no test part

	// The size of the images: others are resized, and turned gray or coloured. 0 keeps what the set has; in a folder of images, which may
	// be of many sizes, that is the size of the first one, shrunk to 256 where it is larger, and gray if all are gray.
	Height, Width, Channels int

	// LongestSide, if not 0, is to what images are shrunk whose size nobody asks for.
	LongestSide int

	// Resize says how images of another aspect ratio are brought to that size; "" stands for images.Stretch.
	Resize images.Rule

	// Undivided leaves a folder without a test part undivided: all images are
	// test images, until Divide.
	Undivided bool

	// Choose, if not nil, says that the test images alone are wanted, so that of a folder or an archive of images no others are decoded. Of one
	// without a test part Choose is called with all files and no pixels yet, as an undivided set; it may call Divide.
	Choose func(*Dataset) error

	// Keep, if not nil, says which of the test images are wanted, by their number in the set. It is asked where Choose is given, once for
	// each and before any is decoded; of other sets all images are read, and Keep is not asked.
	Keep func(i int) bool

	// SkipBroken leaves out the files of a folder that cannot be read; otherwise
	// they are an error, which names them.
	SkipBroken bool

	// Samples are the codes of signals, those of a model; nil finds them on the signals for training: spread over the middle samples of each
	// channel, Percentile of each hundred, 0 for all.
	Samples    signals.Encoding
	Percentile float64

	// Memory is how many bytes of the images of a folder or an archive of images are kept in memory at most; 0 stands for 512 MiB, or a quarter
	// of the memory there is where that is less. More are decoded once into a file of the user's cache, from which they are read batch by batch,
	// also in later runs, as long as the files stay as they are.
	Memory int64

	// Note, if not nil, is told what is left out and what is unusual, a sentence
	// each time. Progress, if not nil, is told how many of the files of a folder
	// have been read. Both are called by one goroutine at a time, not always the same.
	Note     func(sentence string)
	Progress func(done, total int)
}

func (o Options) note(sentence string) {
	if o.Note != nil {
		o.Note(sentence)
	}
}

// Open reads the data set of the given name, or at the given path. A folder of images without a train and a test part is divided, see Divide: a
// sixth of the images, chosen by the seed, is for testing.
//
// Data that is not there is ErrNotFound; images that take more memory than they may are ErrTooLarge; files that cannot be read
// are ErrBroken, all of them named in one error.
func Open(name string, o Options) (*Dataset, error) {
	return OpenContext(context.Background(), name, o)
}

// OpenContext is Open, ended by the error of ctx when ctx is.
func OpenContext(ctx context.Context, name string, o Options) (*Dataset, error) {
	if _, err := images.ParseRule(string(o.Resize)); err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	set := lookup(name)
	unused := func(why string) {
		if o.Dir != "" {
			o.note(fmt.Sprintf("the folder %s is not looked in: %s %s", printed(o.Dir), printed(name), why))
		}
	}
	if name == sampleName {
		unused("comes with goqat")
		d, err := openSample()
		return finish(d, name, name, o, err)
	}
	if set == nil {
		unused("is a path, no set of qat data list")
		d, err := openPath(ctx, name, o)
		return finish(d, name, name, o, err)
	}
	path := set.find(o.Dir)
	if path == "" {
		return nil, fmt.Errorf("datasets: %s is not on this machine; fetch it with: qat data fetch %s", name, name)
	}
	d, err := openPath(ctx, path, o)
	if err == nil && len(d.Classes) != len(set.classes) {
		err = fmt.Errorf("%d classes, not the %d of %s; move it away or fetch it with: qat data fetch %s", len(d.Classes), len(set.classes), name, name)
	}
	if err == nil && hasIDX(path, true) {
		d.Classes = slices.Clone(set.classes)
	}
	return finish(d, name, path, o, err)
}

// finish names a set, and brings its images to the size asked for, or its error to the form of the package.
func finish(d *Dataset, name, path string, o Options, err error) (*Dataset, error) {
	if err == nil && d.Digest == "" {
		d.Digest = digestPixels(d)
	}
	if err == nil {
		err = d.conform(o)
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", path, err)
	}
	d.Name = name
	return d, nil
}

// ErrNotFound is in the error of data that is not there.
var ErrNotFound = errors.New("name data that is there")

// notFound says where a data set was looked for: a relative path is one from the folder where a program is started.
func notFound(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return errors.New("a link that leads to nothing; make it anew")
	}
	here, err := os.Getwd()
	if filepath.IsAbs(path) || err != nil {
		return fmt.Errorf("there is no such file or folder; %w", ErrNotFound)
	}
	return fmt.Errorf("neither the name of a data set (qat data list shows them) nor a path: there is no %s in %s, where the program was started; %w", printed(path), printed(here), ErrNotFound)
}

// openPath reads a folder or an archive of whatever form.
func openPath(ctx context.Context, path string, o Options) (*Dataset, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(path)
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		if hasIDX(path, false) {
			return openIDX(ctx, path)
		}
		if dir := cifarDir(path); dir != "" {
			return openCIFAR(folderFiles(dir))
		}
		if names := tableFiles(path); names != nil {
			return openTables(ctx, path, names, o)
		}
		if shards := shardsIn(path); len(shards) > 0 {
			return openShards(ctx, path, shards, o)
		}
		if arrays := arraysIn(ctx, path); len(arrays.names) > 0 {
			return openArrays(arrays, o)
		}
		if names := filesBelow(path, parquetExtension); len(names) > 0 {
			return openParquet(ctx, path, path, names, o)
		}
		d, err := openImages(ctx, path, folderFiles(path), o)
		if table := imageTableIn(path); table != "" && errors.Is(err, errNoClasses) {
			err = fmt.Errorf("%w, or name the table of its images, %s", err, printed(table))
		}
		return d, err
	}
	lower := strings.ToLower(path)
	switch {
	case IsTar(lower) && isShard(path):
		return openShards(ctx, path, []string{path}, o)
	case IsTar(lower):
		return openImages(ctx, path, tarFiles(func() (io.ReadCloser, error) { return os.Open(path) }), o)
	case strings.HasSuffix(lower, parquetExtension):
		return openParquet(ctx, path, filepath.Dir(path), []string{filepath.Base(path)}, o)
	case strings.HasSuffix(lower, ".npz"):
		return openArchive(ctx, path, o)
	case strings.HasSuffix(lower, arrayExtension):
		return nil, errors.New("one array; put the values, x.npy, and the labels, y.npy, into a folder and name that")
	case strings.HasSuffix(lower, ".csv"):
		if namesImages(path) {
			return openImageTable(ctx, path, o)
		}
		return openTable(ctx, path, o)
	case strings.HasSuffix(lower, ".zip"):
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return openImages(ctx, path, zipFiles(f, info.Size()), o)
	}
	return nil, errors.New("neither a folder, an archive (.tar, .tar.gz, .tgz, .zip), arrays (.npz), rows (.parquet) nor a table (.csv); unpack it or name its folder")
}
