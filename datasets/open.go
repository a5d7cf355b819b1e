// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Options say where to look for a data set and how its images are wanted.
type Options struct {
	Dir  string // looked in first for a named set; may be empty
	Seed uint64 // of the choice of test images, where a folder has no test part

	// The size of the images: others are resized, and turned gray or coloured. 0 keeps what the set has; in a folder of images, which may
	// be of many sizes, that is the size of the first one, and gray if all are gray.
	Height, Width, Channels int
}

// Open reads the data set of the given name, or at the given path.
func Open(name string, o Options) (*Dataset, error) {
	d, err := read(name, o)
	if err != nil {
		return nil, err
	}
	d.Name = name
	return d, nil
}

func read(name string, o Options) (*Dataset, error) {
	if name == sampleName {
		return openSample()
	}
	if set := lookup(name); set != nil {
		for _, dir := range places(o.Dir, name) {
			if hasIDX(dir) {
				return openIDX(dir, set.classes)
			}
		}
		return nil, fmt.Errorf("datasets: %s is not on this machine; fetch it with: qat data fetch %s", name, name)
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("datasets: %s: no such data set or path", name)
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	if info.IsDir() && hasIDX(name) {
		return openIDX(name, nil)
	}
	return nil, fmt.Errorf("datasets: %s: not a data set", name)
}
