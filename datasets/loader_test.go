// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
)

// numbered makes a split whose images are told apart by their values and whose labels count up.
func numbered(n int, shape Shape) Split {
	random := rand.New(rand.NewPCG(1, 2))
	s := Split{Images: make([]uint8, n*shape.Size()), Labels: make([]int32, n)}
	for i := range s.Images {
		s.Images[i] = uint8(random.Uint32())
	}
	for i := range s.Labels {
		s.Labels[i] = int32(i)
	}
	return s
}

func newLoader(t *testing.T, s Split, shape Shape, o LoaderOptions) *Loader {
	t.Helper()
	l, err := NewLoader(s, shape, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

type delivered struct {
	images []uint8
	labels []int32
}

func collect(l *Loader, epoch, first int) (batches []delivered) {
	l.Start(epoch, first)
	for {
		images, labels, ok := l.Next()
		if !ok {
			return batches
		}
		batches = append(batches, delivered{slices.Clone(images), slices.Clone(labels)})
	}
}

func equalBatches(a, b []delivered) bool {
	return slices.EqualFunc(a, b, func(x, y delivered) bool {
		return bytes.Equal(x.images, y.images) && slices.Equal(x.labels, y.labels)
	})
}

func TestLoaderInOrder(t *testing.T) {
	shape := Shape{3, 5, 3}
	s := numbered(23, shape)
	l := newLoader(t, s, shape, LoaderOptions{Batch: 5})
	if l.Batches() != 5 {
		t.Fatalf("%d batches of 5 in 23 images", l.Batches())
	}
	for epoch := range 3 {
		var images []uint8
		var labels []int32
		for _, b := range collect(l, epoch, 0) {
			images = append(images, b.images...)
			labels = append(labels, b.labels...)
		}
		if !bytes.Equal(images, s.Images) || !slices.Equal(labels, s.Labels) {
			t.Fatalf("epoch %d is not the split in its order", epoch)
		}
	}
	if _, _, ok := l.Next(); ok {
		t.Fatal("a batch after the last one")
	}
}

func TestLoaderShuffles(t *testing.T) {
	shape := Shape{2, 2, 1}
	s := numbered(103, shape)
	o := LoaderOptions{Batch: 10, Seed: 7, Shuffle: true}
	l := newLoader(t, s, shape, o)
	first := collect(l, 0, 0)
	var labels []int32
	for _, b := range first {
		for i, label := range b.labels {
			if !bytes.Equal(b.images[i*4:i*4+4], s.image(int(label))) {
				t.Fatal("an image with the label of another")
			}
		}
		labels = append(labels, b.labels...)
	}
	if slices.IsSorted(labels) {
		t.Fatal("not shuffled")
	}
	slices.Sort(labels)
	if !slices.Equal(labels, s.Labels) {
		t.Fatal("an epoch is not every image once")
	}
	if equalBatches(first, collect(l, 1, 0)) {
		t.Fatal("two epochs of one order")
	}
	if !equalBatches(first, collect(newLoader(t, s, shape, o), 0, 0)) {
		t.Fatal("one seed, two orders")
	}
	o.Seed = 8
	if equalBatches(first, collect(newLoader(t, s, shape, o), 0, 0)) {
		t.Fatal("two seeds, one order")
	}
}

// A run resumed at any batch gets what the uninterrupted run gets, and giving up an epoch under way leaves nothing of
// it behind.
func TestLoaderResumes(t *testing.T) {
	shape := Shape{6, 4, 3}
	s := numbered(61, shape)
	l := newLoader(t, s, shape, LoaderOptions{Batch: 8, Seed: 3, Shuffle: true, Augmentation: Augmentation{Crop: 2, Flip: true, Fill: []uint8{9}}})
	for epoch := range 2 {
		whole := collect(newLoader(t, s, shape, l.options), epoch, 0)
		for first := range l.Batches() + 2 {
			l.Start(epoch+5, 0)
			l.Next()
			if rest := collect(l, epoch, first); !equalBatches(rest, whole[min(first, len(whole)):]) {
				t.Fatalf("epoch %d from batch %d on differs from the same batches of the whole epoch", epoch, first)
			}
		}
	}
}

// The augmentation of an image does not depend on the batch it is in.
func TestLoaderAugmentsByImage(t *testing.T) {
	shape := Shape{6, 4, 1}
	s := numbered(20, shape)
	join := func(batch int, shuffled bool) map[int32]string {
		images := map[int32]string{}
		for _, b := range collect(newLoader(t, s, shape, LoaderOptions{Batch: batch, Seed: 3, Shuffle: shuffled, Augmentation: Augmentation{Crop: 2, Flip: true}}), 4, 0) {
			for i, label := range b.labels {
				images[label] = string(b.images[i*24 : (i+1)*24])
			}
		}
		return images
	}
	want := join(20, false)
	for _, got := range []map[int32]string{join(3, false), join(7, true)} {
		for label := range want {
			if got[label] != want[label] {
				t.Fatalf("image %d is cropped or flipped otherwise in another batch", label)
			}
		}
	}
}

// Every crop is a window of the padded image, all of them occur, and half of them are mirrored.
func TestLoaderCropsAndFlips(t *testing.T) {
	shape := Shape{4, 5, 3}
	const padding, epochs, fill = 1, 400, 77
	s := numbered(1, shape)
	at := func(y, x, c int) uint8 {
		if y < 0 || y >= shape.Height || x < 0 || x >= shape.Width {
			return fill
		}
		return s.Images[(y*shape.Width+x)*shape.Channels+c]
	}
	type draw struct {
		down, right int
		flipped     bool
	}
	windows := map[string]draw{}
	for down := -padding; down <= padding; down++ {
		for right := -padding; right <= padding; right++ {
			for _, flipped := range []bool{false, true} {
				var w []uint8
				for y := range shape.Height {
					for x := range shape.Width {
						if flipped {
							x = shape.Width - 1 - x
						}
						for c := range shape.Channels {
							w = append(w, at(y+down, x+right, c))
						}
					}
				}
				windows[string(w)] = draw{down, right, flipped}
			}
		}
	}
	l := newLoader(t, s, shape, LoaderOptions{Batch: 1, Augmentation: Augmentation{Crop: padding, Flip: true, Fill: []uint8{fill}}})
	seen := map[draw]int{}
	mirrored := 0
	for epoch := range epochs {
		got := collect(l, epoch, 0)[0].images
		d, ok := windows[string(got)]
		if !ok {
			t.Fatalf("epoch %d: not a window of the padded image: %v", epoch, got)
		}
		seen[d]++
		if d.flipped {
			mirrored++
		}
	}
	if len(seen) != len(windows) {
		t.Errorf("%d of %d windows occur", len(seen), len(windows))
	}
	if mirrored < epochs*2/5 || mirrored > epochs*3/5 {
		t.Errorf("%d of %d are mirrored", mirrored, epochs)
	}
}

func TestLoaderAllocatesNothing(t *testing.T) {
	shape := Shape{8, 8, 3}
	l := newLoader(t, numbered(100, shape), shape, LoaderOptions{Batch: 16, Shuffle: true, Augmentation: Augmentation{Crop: 2, Flip: true}})
	epoch := 0
	run := func() {
		l.Start(epoch, 0)
		for _, _, ok := l.Next(); ok; _, _, ok = l.Next() {
		}
		epoch++
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Fatalf("%v allocations an epoch", n)
	}
}

// A loader that is closed ends its goroutine, for which a bubble of synctest waits: one that stays is a deadlock there.
func TestLoaderCloses(t *testing.T) {
	shape := Shape{2, 2, 1}
	s := numbered(50, shape)
	for use := range 4 {
		synctest.Test(t, func(t *testing.T) {
			l, err := NewLoader(s, shape, LoaderOptions{Batch: 3})
			if err != nil {
				t.Fatal(err)
			}
			if use > 0 {
				l.Start(0, 0)
			}
			if use > 1 {
				l.Next()
			}
			l.Close()
			l.Close()
			l.Start(1, 0)
			if _, _, ok := l.Next(); ok {
				t.Fatal("a batch after Close")
			}
		})
	}
}

func TestLoaderRefuses(t *testing.T) {
	shape := Shape{4, 4, 1}
	s := numbered(5, shape)
	for name, o := range map[string]LoaderOptions{
		"no batch": {}, "negative crop": {Batch: 1, Augmentation: Augmentation{Crop: -1}}, "crop of the whole image": {Batch: 1, Augmentation: Augmentation{Crop: 4}},
	} {
		if _, err := NewLoader(s, shape, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewLoader(s, Shape{4, 5, 1}, LoaderOptions{Batch: 1}); err == nil {
		t.Error("another shape: accepted")
	}
	if _, err := NewLoader(Split{}, shape, LoaderOptions{Batch: 1}); err == nil {
		t.Error("no images: accepted")
	}
}
