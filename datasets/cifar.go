// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
)

// cifarFiles are the files of CIFAR-10 in its binary form (https://www.cs.toronto.edu/~kriz/cifar.html), the last one
// for testing. Each is a sequence of records: a byte for the class, then 32 x 32 values of red, as many of green, as
// many of blue.
var cifarFiles = []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}

var cifarShape = Shape{32, 32, 3}

// cifarFolder is the folder CIFAR-10 is packed in.
const cifarFolder = "cifar-10-batches-bin"

// cifarDir returns the folder of the files of CIFAR-10, dir or the one they are packed in, or "".
func cifarDir(dir string) string {
	for _, d := range []string{dir, filepath.Join(dir, cifarFolder)} {
		if isFile(filepath.Join(d, cifarFiles[0])) {
			return d
		}
	}
	return ""
}

// openCIFAR reads the six files of CIFAR-10, in whatever folder they are.
func openCIFAR(all files) (*Dataset, error) {
	parts := make([]*Split, len(cifarFiles))
	err := all(func(f found) error {
		name := path.Base(f.name)
		i := slices.Index(cifarFiles, name)
		if i < 0 || f.kind != regular {
			return nil
		}
		if parts[i] != nil {
			return fmt.Errorf("%s: a second file of this name; keep one", name)
		}
		data, err := readEntry(f)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if parts[i], err = parseCIFAR(data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var images [][]uint8
	var labels [][]int32
	for i, part := range parts {
		if part == nil {
			return nil, fmt.Errorf("no %s; CIFAR-10 is %d files, get the missing ones", cifarFiles[i], len(cifarFiles))
		}
		images, labels = append(images, part.Images), append(labels, part.Labels)
	}
	last := len(parts) - 1
	return &Dataset{
		Classes: slices.Clone(cifarClasses),
		Shape:   cifarShape,
		Train:   Split{Images: slices.Concat(images[:last]...), Labels: slices.Concat(labels[:last]...)},
		Test:    *parts[last],
	}, nil
}

// parseCIFAR reads records of CIFAR-10.
func parseCIFAR(data []byte) (*Split, error) {
	plane := cifarShape.Height * cifarShape.Width
	record := 1 + 3*plane
	n := len(data) / record
	if n == 0 || len(data)%record != 0 {
		return nil, fmt.Errorf("%d bytes, not a multiple of the %d bytes of an image; it is cut short or no file of CIFAR-10, get it again", len(data), record)
	}
	s := &Split{Images: make([]uint8, n*3*plane), Labels: make([]int32, n)}
	for i := range n {
		label, planes := data[i*record], data[i*record+1:(i+1)*record]
		if int(label) >= len(cifarClasses) {
			return nil, fmt.Errorf("class %d of image %d; CIFAR-10 has 0 to 9, get the file again", label, i)
		}
		s.Labels[i] = int32(label)
		image := s.image(i)
		for p := range plane {
			image[3*p], image[3*p+1], image[3*p+2] = planes[p], planes[plane+p], planes[2*plane+p]
		}
	}
	return s, nil
}
