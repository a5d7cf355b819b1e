// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
)

func sampleSet(t *testing.T) *Dataset {
	t.Helper()
	d, err := Open("fashion-sample", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The digest is that of the images and labels picked from the official files by another program (in Python).
func TestFashionSample(t *testing.T) {
	d := sampleSet(t)
	if d.Name != "fashion-sample" || d.Shape != (Shape{28, 28, 1}) || len(d.Classes) != 10 {
		t.Fatalf("%s, %v, %d classes", d.Name, d.Shape, len(d.Classes))
	}
	h := sha256.New()
	for _, part := range []struct {
		split Split
		each  int
	}{{d.Train, 1000}, {d.Test, 200}} {
		if len(part.split.Images) != part.split.Len()*784 {
			t.Fatalf("%d values for %d images", len(part.split.Images), part.split.Len())
		}
		var counts [10]int
		labels := make([]byte, part.split.Len())
		for i, label := range part.split.Labels {
			counts[label]++
			labels[i] = byte(label)
		}
		for class, n := range counts {
			if n != part.each {
				t.Errorf("%d images of class %d, not %d", n, class, part.each)
			}
		}
		h.Write(part.split.Images)
		h.Write(labels)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != "d5b91c929ef64cdf3fac6a13820932f698037ef77030a9584f3d6499a1ccee00" {
		t.Errorf("digest %s", got)
	}
}

// Where the whole set is installed, the sample is the first images of every class of it.
func TestFashionSampleIsOfficial(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 70,000 images")
	}
	official, err := Open("fashion-mnist", Options{})
	if err != nil {
		t.Skipf("the whole set is not installed: %v", err)
	}
	d := sampleSet(t)
	for _, part := range []struct {
		sample, official Split
		each             int
	}{{d.Train, official.Train, 1000}, {d.Test, official.Test, 200}} {
		seen := make([]int, 10)
		at := 0
		for i, label := range part.official.Labels {
			if seen[label]++; seen[label] > part.each {
				continue
			}
			if part.sample.Labels[at] != label || !bytes.Equal(part.sample.image(at), part.official.image(i)) {
				t.Fatalf("image %d of the sample is not image %d of the official set", at, i)
			}
			at++
		}
		if at != part.sample.Len() || slices.Min(seen) < part.each {
			t.Fatalf("%d images, not %d", part.sample.Len(), at)
		}
	}
}
