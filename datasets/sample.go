// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"embed"
	"fmt"
	"path"
	"slices"
)

// sampleFiles hold a part of Fashion-MNIST, copyright 2017 Zalando SE, MIT licence: see fashionsample/README.md.
//
//go:embed fashionsample/*.gz
var sampleFiles embed.FS

// openSample reads the embedded set: 10,000 training and 2,000 test images, 28 x 28 in gray, as many of each of the ten
// classes.
func openSample() (*Dataset, error) {
	d := &Dataset{Classes: slices.Clone(fashionClasses), Shape: Shape{28, 28, 1}}
	for _, part := range []struct {
		split *Split
		file  string
	}{
		{&d.Train, "train-images-0-idx3-ubyte"},
		{&d.Train, "train-images-1-idx3-ubyte"},
		{&d.Train, "train-images-2-idx3-ubyte"},
		{&d.Train, "train-images-3-idx3-ubyte"},
		{&d.Train, "train-labels-idx1-ubyte"},
		{&d.Test, "t10k-images-idx3-ubyte"},
		{&d.Test, "t10k-labels-idx1-ubyte"},
	} {
		name := path.Join("fashionsample", part.file+".gz")
		f, err := sampleFiles.Open(name)
		if err != nil {
			return nil, fmt.Errorf("embedded %w", err)
		}
		dims, values, err := readIDX(f)
		if err != nil {
			return nil, fmt.Errorf("embedded %s: %w", name, err)
		}
		if len(dims) == 3 {
			part.split.Images = append(part.split.Images, values...)
			continue
		}
		for _, label := range values {
			part.split.Labels = append(part.split.Labels, int32(label))
		}
	}
	return d, nil
}
