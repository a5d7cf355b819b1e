// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/goqat/goqat/internal/memory"
)

// readIDX reads a file of unsigned bytes in the IDX format of the MNIST database (http://yann.lecun.com/exdb/mnist),
// compressed by gzip or not: two zero bytes, the type 8, the number of dimensions, each dimension as 32 bits big
// endian, then the values. It refuses other types and a file that is longer or shorter than its header says.
func readIDX(r io.Reader) (dimensions []int, values []uint8, err error) {
	in := bufio.NewReader(r)
	if magic, _ := in.Peek(2); bytes.Equal(magic, gzipMagic) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("damaged gzip header: %w", err)
		}
		in = bufio.NewReader(z)
	}
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, nil, fmt.Errorf("cut short in the IDX header: %w", err)
	}
	if head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] < 1 || head[3] > 4 {
		return nil, nil, fmt.Errorf("starts with % x, not with 00 00 08 and 1 to 4 dimensions: not an IDX file of bytes", head)
	}
	total := int64(1)
	for range head[3] {
		var b [4]byte
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return nil, nil, fmt.Errorf("cut short in the IDX header: %w", err)
		}
		d := int64(binary.BigEndian.Uint32(b[:]))
		if d > 0 && total > maxBytes/d {
			return nil, nil, fmt.Errorf("declares more than %d GiB", maxBytes>>30)
		}
		total *= d
		dimensions = append(dimensions, int(d))
	}
	if limit := memory.Limit() / memoryShare; limit > 0 && total > limit {
		return nil, nil, fmt.Errorf("declares %.1f GiB, more than the %.1f GiB that this machine has room for", float64(total)/(1<<30), float64(limit)/(1<<30))
	}
	values, err = memory.ReadExactly(in, total)
	if err != nil {
		return nil, nil, err
	}
	return dimensions, values, nil
}

var gzipMagic = []byte{0x1f, 0x8b}

// maxBytes bounds the values of a split.
const maxBytes = 8 << 30

// memoryShare is the part of the memory that the values of a file may take: they are moved while they arrive, to twice
// as much.
const memoryShare = 4

// idxNames are the files of a data set in IDX form, with or without ".gz".
var idxNames = [4]string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}

// idxFile returns the path of an IDX file in dir, compressed or not, or "".
func idxFile(dir, name string) string {
	for _, path := range []string{filepath.Join(dir, name), filepath.Join(dir, name+".gz")} {
		if isFile(path) {
			return path
		}
	}
	return ""
}

// hasIDX tells whether dir holds files of a data set in IDX form: all of them, or at least one.
func hasIDX(dir string, all bool) bool {
	found := 0
	for _, name := range idxNames {
		if idxFile(dir, name) != "" {
			found++
		}
	}
	return found == len(idxNames) || found > 0 && !all
}

// openIDX reads the four IDX files of dir. The classes are called "0", "1", ….
func openIDX(ctx context.Context, dir string) (*Dataset, error) {
	d := &Dataset{}
	var shapes [2]Shape
	for i, split := range []*Split{&d.Train, &d.Test} {
		var paths [2]string
		for j, name := range idxNames[2*i : 2*i+2] {
			if paths[j] = idxFile(dir, name); paths[j] == "" {
				return nil, fmt.Errorf("no %s.gz, compressed or not; put all four IDX files there", name)
			}
		}
		var err error
		if shapes[i], err = readIDXPair(ctx, split, paths[0], paths[1]); err != nil {
			return nil, err
		}
	}
	if shapes[0] != shapes[1] {
		return nil, fmt.Errorf("training images are %v, test images %v; they must be of one shape", shapes[0], shapes[1])
	}
	d.Shape = shapes[0]
	last := slices.Max(d.Train.Labels)
	if highest := slices.Max(d.Test.Labels); highest > last {
		return nil, fmt.Errorf("test label %d, training labels up to %d; the label files do not belong together", highest, last)
	}
	for i := range last + 1 {
		d.Classes = append(d.Classes, strconv.Itoa(int(i)))
	}
	return d, nil
}

func readIDXPair(ctx context.Context, split *Split, imagesPath, labelsPath string) (Shape, error) {
	dims, values, err := readIDXFile(ctx, imagesPath)
	if err != nil {
		return Shape{}, err
	}
	if len(dims) == 3 {
		dims = append(dims, 1)
	}
	if len(dims) != 4 || dims[0] == 0 || (dims[3] != 1 && dims[3] != 3) {
		return Shape{}, fmt.Errorf("%s: dimensions %v; images are N x height x width, or that x 3", filepath.Base(imagesPath), dims)
	}
	shape := Shape{dims[1], dims[2], dims[3]}
	if err := shape.check(); err != nil {
		return Shape{}, fmt.Errorf("%s: %w", filepath.Base(imagesPath), err)
	}
	labelDims, labels, err := readIDXFile(ctx, labelsPath)
	if err != nil {
		return Shape{}, err
	}
	if len(labelDims) != 1 || labelDims[0] != dims[0] {
		return Shape{}, fmt.Errorf("%s: dimensions %v, but %s has %d images; the two do not belong together", filepath.Base(labelsPath), labelDims, filepath.Base(imagesPath), dims[0])
	}
	split.Images = values
	split.Labels = make([]int32, len(labels))
	for i, label := range labels {
		split.Labels[i] = int32(label)
	}
	return shape, nil
}

func readIDXFile(ctx context.Context, path string) ([]int, []uint8, error) {
	f, err := openFile(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	dims, values, err := readIDX(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w; remove it and get it again", filepath.Base(path), err)
	}
	return dims, values, nil
}
