// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/pipeline"
)

// bars makes a data set of wide and of high images, with a bar of the class in the
// middle.
func bars(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bars")
	for class, light := range map[string]uint8{"dark": 60, "light": 200} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			m := image.NewGray(image.Rect(0, 0, 31, 17))
			if i%2 == 0 {
				m = image.NewGray(image.Rect(0, 0, 14, 29))
			}
			for y := range m.Rect.Dy() {
				m.SetGray(m.Rect.Dx()/2+i%3, y, color.Gray{Y: light + uint8(i)})
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, class, string(rune('a'+i))+".png"), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestResize trains by each rule: the model names it, and a file prepared by the rule
// is the image of the set.
func TestResize(t *testing.T) {
	dir := bars(t)
	for rule, want := range map[images.Rule]string{images.Stretch: "", images.Crop: "crop", images.Pad: "pad"} {
		r := small(t, "data.name="+dir, "data.height=12", "data.width=12", "data.resize="+string(rule), "batch=8")
		s := trained(t, r)
		m, err := infer.Open(filepath.Join(s.Folder, "model.qmodel"))
		if err != nil || m.Data().Resize != want {
			t.Fatalf("%s: %q, %v", rule, m.Data().Resize, err)
		}
		d, err := pipeline.Data(t.Context(), r, pipeline.Reading{})
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range d.Test.Batches(1) {
			if err != nil {
				t.Fatal(err)
			}
			if got := prepared(t, m, filepath.Join(dir, d.Test.Files[b.First].Path)); !slices.Equal(got, b.Images) {
				t.Errorf("%s: %s is another image", rule, d.Test.Files[b.First].Path)
			}
		}
	}
	if _, err := datasets.Open(dir, datasets.Options{Resize: "shrink"}); err == nil {
		t.Error("shrink is a rule")
	}
}

// prepared returns an image file as a program prepares it for a model.
func prepared(t *testing.T, m *infer.Model, path string) []uint8 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	image, _, err := images.Limits{}.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	in := m.Input()
	return image.Fit(images.Rule(m.Data().Resize), in.Height, in.Width, in.Channels).Pixels
}
