// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

// augmentations are all kinds of them, alone and together.
var augmentations = map[string]Augmentation{
	"crop": {Crop: 2}, "flip": {Flip: true}, "rotate": {Rotate: 15}, "scale": {Scale: 0.2}, "brightness": {Brightness: 0.2}, "contrast": {Contrast: 0.4},
	"noise": {Noise: 0.05}, "cutout": {Cutout: 0.5}, "mixup": {Mixup: 0.4},
	"all": {Crop: 2, Flip: true, Rotate: 15, Scale: 0.2, Brightness: 0.2, Contrast: 0.4, Noise: 0.05, Cutout: 0.5, Mixup: 0.4, Fill: []uint8{9}},
}

// unbalanced makes a split of three classes with 40, 20 and 3 images.
func unbalanced(shape Shape) Split {
	s := numbered(63, shape)
	for i := range s.Labels {
		s.Labels[i] = int32(min(i/40, 1) + i/60)
	}
	return s
}

// Whatever is drawn, a run resumed at any batch of any epoch gets what the uninterrupted run gets, and all of it
// changes from epoch to epoch.
func TestAugmentationsResume(t *testing.T) {
	shape := Shape{9, 7, 3}
	s := unbalanced(shape)
	for name, a := range augmentations {
		for _, balance := range []float64{0, 0.5, 1} {
			o := LoaderOptions{Batch: 10, Seed: 3, Shuffle: true, Balance: balance, Augmentation: a}
			l := newLoader(t, s, shape, o)
			var last []delivered
			for _, epoch := range []int{0, 1, 7} {
				whole := collect(newLoader(t, s, shape, o), epoch, 0)
				for _, first := range []int{0, 3, 6} {
					l.Start(epoch+5, 0)
					l.Next()
					if rest := collect(l, epoch, first); !equalBatches(rest, whole[first:]) {
						t.Fatalf("%s, balance %v: epoch %d from batch %d on differs from the same batches of the whole epoch", name, balance, epoch, first)
					}
				}
				if last != nil && equalBatches(last, whole) {
					t.Errorf("%s, balance %v: two epochs are equal", name, balance)
				}
				last = whole
			}
		}
	}
}

// Every kind changes images, none outside its bounds, and an image has the same shape and label after it.
func TestAugmentationsChangeImages(t *testing.T) {
	shape := Shape{9, 7, 3}
	s := numbered(20, shape)
	for name, a := range augmentations {
		changed := 0
		for _, b := range collect(newLoader(t, s, shape, LoaderOptions{Batch: 6, Augmentation: a}), 1, 0) {
			for i, label := range b.labels {
				if !bytes.Equal(b.images[i*shape.Size():(i+1)*shape.Size()], s.image(int(label))) {
					changed++
				}
			}
		}
		if changed < 8 {
			t.Errorf("%s: %d of 20 images are changed", name, changed)
		}
	}
}

// drawn returns a filler in a state of its random numbers.
func drawn(shape Shape, a Augmentation) *filler {
	f := newFiller(shape, LoaderOptions{Batch: 4, Augmentation: a})
	f.random.Seed(1, 2)
	return &f
}

// Without an angle and a zoom, turning is shifting; by 180 degrees it is the image upside down.
func TestTurn(t *testing.T) {
	shape := Shape{8, 5, 3}
	in := numbered(1, shape).Images
	f := drawn(shape, Augmentation{Fill: []uint8{77}})
	got, want := make([]uint8, len(in)), make([]uint8, len(in))
	for down := -3; down <= 3; down++ {
		for right := -2; right <= 2; right++ {
			f.turn(got, in, down, right)
			shift(want, in, shape, down, right, []uint8{77, 77, 77})
			if !bytes.Equal(got, want) {
				t.Fatalf("turned by nothing and moved by %d, %d it is not the shifted image", down, right)
			}
		}
	}
	square := Shape{6, 6, 1}
	in = numbered(1, square).Images
	for _, angle := range []float64{0, 180} {
		g := drawn(square, Augmentation{})
		out := make([]uint8, len(in))
		turned(g, out, in, angle)
		want := slices.Clone(in)
		if angle == 180 {
			slices.Reverse(want)
		}
		if !bytes.Equal(out, want) {
			t.Errorf("turned by %v degrees: %v, want %v", angle, out, want)
		}
	}
}

// turned turns by an angle that is not drawn.
func turned(f *filler, out, in []uint8, degrees float64) {
	f.rotate(out, in, degrees*math.Pi/180, 1, 0, 0)
}

// Contrast and brightness keep the order of values, noise has the deviation asked for and no bias.
func TestLightAndNoise(t *testing.T) {
	shape := Shape{64, 64, 1}
	gray := bytes.Repeat([]uint8{128}, shape.Size())
	f := drawn(shape, Augmentation{Noise: 0.05})
	f.addNoise(gray)
	var sum, squares float64
	for _, v := range gray {
		d := float64(v) - 128
		sum += d
		squares += d * d
	}
	n := float64(len(gray))
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.6 || math.Abs(deviation-0.05*255) > 0.4 {
		t.Errorf("noise of deviation %.2f: mean %.3f, deviation %.3f", 0.05*255, mean, deviation)
	}
	f = drawn(Shape{1, 256, 1}, Augmentation{Brightness: 0.3, Contrast: 0.5})
	seen := map[string]bool{}
	for range 50 {
		ramp := make([]uint8, 256)
		for i := range ramp {
			ramp[i] = uint8(i)
		}
		f.light(ramp)
		if !slices.IsSorted(ramp) {
			t.Fatal("brightness or contrast changed the order of values")
		}
		seen[string(ramp)] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d kinds of light in 50 draws", len(seen))
	}
}

// A blanked square has the side asked for, less what is outside.
func TestCutout(t *testing.T) {
	shape := Shape{12, 20, 3}
	f := drawn(shape, Augmentation{Cutout: 0.5, Fill: []uint8{7, 8, 9}})
	whole := 0
	for range 100 {
		image := bytes.Repeat([]uint8{200}, shape.Size())
		f.cutOut(image)
		blank := bytes.Count(image, []uint8{7, 8, 9})
		if blank > 36 || blank < 9 {
			t.Fatalf("%d of at most 36 pixels are blank", blank)
		}
		if blank == 36 {
			whole++
		}
	}
	if whole < 10 {
		t.Errorf("the square is whole %d times of 100", whole)
	}
}

// A mixed image is the weighted mean of the two whose labels are told.
func TestMixup(t *testing.T) {
	shape := Shape{4, 3, 1}
	s := numbered(11, shape)
	l := newLoader(t, s, shape, LoaderOptions{Batch: 4, Seed: 5, Shuffle: true, Augmentation: Augmentation{Mixup: 0.5}})
	shares := map[float32]bool{}
	for epoch := range 20 {
		l.Start(epoch, 0)
		for {
			images, labels, ok := l.Next()
			if !ok {
				break
			}
			partners, share := l.Mix()
			shares[share] = true
			if len(partners) != len(labels) || share < 0.5 || share > 1 {
				t.Fatalf("%d partners of %d images, share %v", len(partners), len(labels), share)
			}
			for i := range labels {
				if partners[i] == labels[i] {
					t.Fatal("an image is mixed with itself")
				}
				for k, v := range images[i*shape.Size() : (i+1)*shape.Size()] {
					a, b := float64(s.image(int(labels[i]))[k]), float64(s.image(int(partners[i]))[k])
					if mean := float64(share)*a + (1-float64(share))*b; math.Abs(mean-float64(v)) > 0.5 {
						t.Fatalf("a pixel is %d, want %.2f", v, mean)
					}
				}
			}
		}
	}
	if len(shares) < 20 {
		t.Errorf("%d different shares in 60 batches", len(shares))
	}
	l = newLoader(t, s, shape, LoaderOptions{Batch: 4})
	l.Start(0, 0)
	l.Next()
	if partners, share := l.Mix(); partners != nil || share != 1 {
		t.Error("images are mixed uninvited")
	}
}

// A balanced epoch has as many images as the split, in the proportions asked for, and over epochs every image of a
// class comes equally often.
func TestBalance(t *testing.T) {
	shape := Shape{2, 2, 1}
	s := unbalanced(shape)
	for _, c := range []struct {
		balance float64
		want    []int
	}{{0, []int{40, 20, 3}}, {0.5, []int{32, 22, 9}}, {1, []int{21, 21, 21}}} {
		got := s.Drawn(4, c.balance)
		if !slices.Equal(got, append(c.want, 0)) {
			t.Errorf("balance %v: %v of the classes, want %v", c.balance, got, c.want)
		}
		l := newLoader(t, s, shape, LoaderOptions{Batch: 8, Shuffle: true, Balance: c.balance})
		times := map[string]int{}
		for epoch := range 40 {
			counts := make([]int, 3)
			for _, b := range collect(l, epoch, 0) {
				for i, label := range b.labels {
					counts[label]++
					times[string(b.images[i*4:(i+1)*4])]++
				}
			}
			if !slices.Equal(counts, c.want) {
				t.Fatalf("balance %v: epoch %d has %v", c.balance, epoch, counts)
			}
		}
		for i, label := range s.Labels {
			n, want := times[string(s.image(i))], 40*c.want[label]/[]int{40, 20, 3}[label]
			if n < want || n > want+1 {
				t.Errorf("balance %v: image %d of class %d came %d times in 40 epochs, want %d or one more", c.balance, i, label, n, want)
			}
		}
	}
	many := Split{Labels: make([]int32, 1000)}
	for i := range 30 {
		many.Labels[i] = int32(i)
	}
	total := 0
	for c, n := range many.Drawn(30, 1) {
		if total += n; n < 1 {
			t.Errorf("class %d is never drawn", c)
		}
	}
	if total != 1000 {
		t.Errorf("%d images are drawn of 1000", total)
	}
}

// An image that comes more than once in an epoch is another one each time.
func TestBalanceAugmentsRepeats(t *testing.T) {
	shape := Shape{8, 8, 1}
	s := numbered(50, shape)
	for i := range s.Labels {
		s.Labels[i] = int32(min(i, 1))
	}
	seen := map[string]bool{}
	for _, b := range collect(newLoader(t, s, shape, LoaderOptions{Batch: 50, Shuffle: true, Balance: 1, Augmentation: Augmentation{Noise: 0.1}}), 0, 0) {
		for i, label := range b.labels {
			if label == 0 {
				seen[string(b.images[i*64:(i+1)*64])] = true
			}
		}
	}
	if len(seen) != 25 {
		t.Errorf("one image drawn 25 times is %d different ones", len(seen))
	}
}
