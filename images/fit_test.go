// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// ramp is an image whose pixel in row y and column x is 10 y + x.
func ramp(height, width int) Image {
	m := Image{height, width, 1, nil}
	for y := range height {
		for x := range width {
			m.Pixels = append(m.Pixels, uint8(10*y+x))
		}
	}
	return m
}

func ExampleImage_Fit() {
	m := ramp(2, 5)
	for _, r := range []Rule{Crop, Pad, Stretch} {
		fmt.Println(r, m.Fit(r, 2, 2, 1).Pixels)
	}
	// Output:
	// crop [1 2 11 12]
	// pad [6 8 0 0]
	// stretch [1 3 11 13]
}

// Of the wanted ratio all rules are one; the window of a crop and the place of a padded image are those that the ratio
// says.
func TestFit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		m := ramp(1+random.IntN(20), 1+random.IntN(20)).Recolor(1 + 2*random.IntN(2))
		h, w := 1+random.IntN(20), 1+random.IntN(20)
		want := m.Resize(h, w)
		crop, pad := m.Fit(Crop, h, w, m.Channels), m.Fit(Pad, h, w, m.Channels)
		if len(crop.Pixels) != h*w*m.Channels || len(pad.Pixels) != h*w*m.Channels || crop.Height != h || pad.Width != w {
			t.Fatalf("%dx%d to %dx%d: %d and %d values", m.Height, m.Width, h, w, len(crop.Pixels), len(pad.Pixels))
		}
		if m.Height*w == m.Width*h && (!bytes.Equal(crop.Pixels, want.Pixels) || !bytes.Equal(pad.Pixels, want.Pixels)) {
			t.Errorf("%dx%d to %dx%d, of one ratio", m.Height, m.Width, h, w)
		}
		if got := m.Fit("", h, w, m.Channels); !bytes.Equal(got.Pixels, want.Pixels) {
			t.Errorf("no rule does not stretch")
		}
		// By floating point: the window is as large as the ratio allows, within half a pixel.
		scale := math.Min(float64(m.Height)/float64(h), float64(m.Width)/float64(w))
		c := m.middle(h, w)
		if math.Abs(float64(c.Height)-math.Max(1, scale*float64(h))) > 0.5 || math.Abs(float64(c.Width)-math.Max(1, scale*float64(w))) > 0.5 {
			t.Errorf("%dx%d to %dx%d: a window of %dx%d", m.Height, m.Width, h, w, c.Height, c.Width)
		}
	}
}

func TestParseRule(t *testing.T) {
	for name, want := range map[string]Rule{"": Stretch, "stretch": Stretch, "crop": Crop, "pad": Pad} {
		if r, err := ParseRule(name); err != nil || r != want {
			t.Errorf("%q: %q, %v", name, r, err)
		}
	}
	if _, err := ParseRule("shrink"); err == nil {
		t.Error("shrink is a rule")
	}
}
