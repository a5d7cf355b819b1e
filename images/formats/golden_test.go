// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/images"
)

var folder = flag.String("images", "testdata", "folder that make.py wrote, whose images are compared")

// goldens returns the files that testdata/make.py wrote, without the references beside them.
func goldens(t testing.TB, dir string) (names []string) {
	t.Helper()
	references, err := filepath.Glob(filepath.Join(dir, "*.*.png"))
	if err != nil || len(references) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(references), err)
	}
	for _, r := range references {
		names = append(names, strings.TrimSuffix(r, ".png"))
	}
	return names
}

func read(t testing.TB, name string) (images.Image, images.Info) {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	m, info, err := images.Limits{}.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m.Recolor(3), info
}

// apart is the greatest difference of two images.
func apart(a, b images.Image) int {
	most := 0
	for i, v := range a.Pixels {
		most = max(most, int(v)-int(b.Pixels[i]), int(b.Pixels[i])-int(v))
	}
	return most
}

// What Pillow 13.0.0 decodes a file to, goqat decodes it to, but for at most so many steps of 255. Of 12 folders by
// make.py, of 1x1 to 200x151 pixels, the greatest differences were 2 (lossy WebP), 1 (CMYK) and 3 (YCCK, JPEG); the
// other files are the same to the bit.
func TestPixelsAreThoseOfPillow(t *testing.T) {
	allowed := func(name string) int {
		switch {
		case strings.HasPrefix(name, "lossless"):
			return 0
		case strings.HasSuffix(name, ".webp"): // libwebp rounds the colours several times
			return 2
		case strings.HasSuffix(name, ".jpg"): // another cosine transform
			return 3
		}
		return 0
	}
	for _, name := range goldens(t, *folder) {
		got, info := read(t, name)
		want, _ := read(t, name+".png")
		if got.Height != want.Height || got.Width != want.Width || info.Height != want.Height || info.Width != want.Width {
			t.Errorf("%s: %dx%d (%dx%d by Stat), not %dx%d", name, got.Height, got.Width, info.Height, info.Width, want.Height, want.Width)
			continue
		}
		if d := apart(got, want); d > allowed(filepath.Base(name)) {
			t.Errorf("%s: %d of 255 apart", name, d)
		}
	}
}
