// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// testThreshold is below which a key puts an image into the test part: a sixth of all keys.
const testThreshold = math.MaxUint64 / 6

// Divide divides the images of an undivided folder into training and test. An image is for testing if a hash of the
// seed and its file's content is below a threshold, for a sixth of all hashes; so no image depends on any other, and an
// added file moves none across. Identical files go together. There are two exceptions, which note is told of: where all
// files of a class are identical, the hash includes their paths; and a class of two images or more that would have none
// to train or none to test with gets the one nearest the threshold. The image of a class of one is for training.
//
// The parts share the memory of the undivided images, which change places. A set that has a test part is an error, and one that
// is divided already.
func (d *Dataset) Divide(seed uint64, note func(string)) error {
	if !d.Undivided {
		return fmt.Errorf("datasets: %s has a test part of its own", d.Name)
	}
	if err := d.divide(seed, note); err != nil {
		return fmt.Errorf("datasets: %s: %w", d.Name, err)
	}
	return nil
}

func (d *Dataset) divide(seed uint64, note func(string)) error {
	all := d.Test
	byClass := make([][]int, len(d.Classes))
	for i, label := range all.Labels {
		byClass[label] = append(byClass[label], i)
	}
	held := make([]bool, all.Len())
	var single, identical []string
	for class, positions := range byClass {
		if len(positions) == 1 {
			single = append(single, d.Classes[class])
			continue
		}
		same := sameContent(all.Files, positions)
		if same && len(positions) > 1 {
			identical = append(identical, d.Classes[class])
		}
		keys := make([]uint64, len(positions))
		for k, i := range positions {
			keys[k] = divisionKey(seed, all.Files[i], d.root, same)
		}
		for k, test := range belowThreshold(keys) {
			held[positions[k]] = test
		}
	}
	if len(single) > 0 {
		note("one image and so nothing to test with: " + listed(single))
	}
	if len(identical) > 0 {
		note("all files are identical, in training and in test: " + listed(identical))
	}
	var train, test []int
	for i, h := range held {
		if h {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	if len(test) == 0 {
		return errors.New("one image a class; at least 2 are needed, to train and to test with")
	}
	parts := all.arrange(train, test)
	d.Train, d.Test = parts[0], parts[1]
	d.Undivided, d.Divided = false, true
	return nil
}

func sameContent(files []File, positions []int) bool {
	for _, i := range positions {
		if files[i].SHA256 != files[positions[0]].SHA256 {
			return false
		}
	}
	return true
}

// divisionKey is the hash that is held against the threshold: of the content, and of the path below the root where it
// is asked for.
func divisionKey(seed uint64, f File, root int, withPath bool) uint64 {
	b := binary.LittleEndian.AppendUint64([]byte("test part"), seed)
	b = append(b, f.SHA256[:]...)
	if withPath {
		b = append(b, f.Path[root:]...)
	}
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

// belowThreshold tells which keys are for testing. If they all are or none is, those nearest the threshold, of one
// value, change sides.
func belowThreshold(keys []uint64) []bool {
	least, greatest := uint64(math.MaxUint64), uint64(0)
	for _, k := range keys {
		least, greatest = min(least, k), max(greatest, k)
	}
	test := make([]bool, len(keys))
	for i, k := range keys {
		switch {
		case least == greatest:
			test[i] = k < testThreshold
		case least >= testThreshold:
			test[i] = k == least
		default:
			test[i] = k < testThreshold && !(greatest < testThreshold && k == greatest)
		}
	}
	return test
}
