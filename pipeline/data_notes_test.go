// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
)

// labelled returns images of one pixel each, of values from first on, with the labels.
func labelled(first uint8, labels ...int32) datasets.Split {
	s := datasets.Split{Labels: labels}
	for i := range labels {
		s.Images = append(s.Images, first+uint8(i))
	}
	return s
}

// TestDataIsAskedForByItsNearestName: that of a named set, or of a neighbour; not where it is there, or near to nothing.
func TestDataIsAskedForByItsNearestName(t *testing.T) {
	dir := t.TempDir()
	photos := filepath.Join(dir, "photos")
	if err := os.Mkdir(photos, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"fashon-sample": "fashion-sample", filepath.Join(dir, "photoz"): photos, photos: "", filepath.Join(dir, "recordings"): "", filepath.Join(dir, "x", "photos"): "",
	} {
		text := meant(name, errors.New("wrong")).Error()
		if want != "" {
			want = fmt.Sprintf("; did you mean %q?", want)
		}
		if text != "wrong"+want {
			t.Errorf("%s: %s", name, text)
		}
	}
	if meant("fashon-sample", nil) != nil {
		t.Error("an error of data that is there")
	}
}

// TestCounts says how many images each class has, in a line of any number of classes,
// and which images are in two parts.
func TestCounts(t *testing.T) {
	s := split{
		Dataset: &datasets.Dataset{Name: "pets", Classes: []string{"cat", "dog"}, Test: labelled(2, 0)},
		train:   labelled(0, 0, 1, 1), validation: labelled(10, 1),
	}
	var said []string
	s.say(func(e Event) { said = append(said, e.(Note).Text) })
	if len(said) != 3 || said[1] != "images a class (train/validation/test): 0 cat 1/0/1, 1 dog 2/1/0" {
		t.Errorf("%q", said)
	}
	if !strings.HasPrefix(said[2], "warning: training images, too, which say nothing of new ones: 1 of 1 test image (") || !strings.Contains(said[2], "number 0") {
		t.Errorf("%q", said[2])
	}
	for i := range 1998 {
		s.Classes = append(s.Classes, fmt.Sprint("class", i))
	}
	if line := s.counts(); !strings.HasSuffix(line, "from 2 class0 0/0/0 to 1 dog 2/1/0, 2000 classes") {
		t.Errorf("%q", line)
	}
}
