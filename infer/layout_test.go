// SPDX-License-Identifier: Apache-2.0

package infer_test

import (
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
)

// TestPixelsInTheLayoutOfImage: the four bytes a pixel of an image.RGBA are refused with what is wanted, and
// images.FromImage makes of a picture what the model takes, also of one that has as many bytes by chance.
func TestPixelsInTheLayoutOfImage(t *testing.T) {
	const height, width, channels = 28, 28, 1
	m, err := infer.Open("../examples/embed/fashion.qmodel")
	if err != nil {
		t.Fatal(err)
	}
	if in := m.Input(); in.Height != height || in.Width != width || in.Channels != channels {
		t.Fatalf("the model is for %+v", in)
	}
	rng := rand.New(rand.NewPCG(16, 1))
	rgba, gray, small := image.NewRGBA(image.Rect(0, 0, width, height)), make([]uint8, height*width), image.NewRGBA(image.Rect(0, 0, width/2, height/2))
	for i := range gray {
		gray[i] = uint8(rng.IntN(256))
		copy(rgba.Pix[4*i:], []uint8{gray[i], gray[i], gray[i], 255})
	}
	for i := range small.Pix {
		small.Pix[i] = 255
	}
	if _, err := m.Classify(rgba.Pix); err == nil || !strings.Contains(err.Error(), "an image of 3136 bytes, the model takes 784: 28×28×1, height, width and channels, a byte each") {
		t.Error(err)
	}
	if len(small.Pix) != len(gray) {
		t.Fatalf("%d bytes, want the %d of the model", len(small.Pix), len(gray))
	}
	for _, c := range []struct {
		picture image.Image
		want    []uint8
	}{{rgba, gray}, {small, slices.Repeat([]uint8{255}, len(gray))}} {
		unpacked, err := images.FromImage(c.picture)
		if err != nil {
			t.Fatal(err)
		}
		if got := unpacked.Recolor(channels).Resize(height, width).Pixels; !slices.Equal(got, c.want) {
			t.Errorf("%T of %v has other pixels than it shows", c.picture, c.picture.Bounds())
		}
	}
}
