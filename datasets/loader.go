// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
)

// LoaderOptions say how a [Loader] makes batches of a split. Only Batch must be set.
type LoaderOptions struct {
	Batch   int    // images a batch, at least 1; the last batch of an epoch holds what is left
	Seed    uint64 // of the order and the augmentation
	Shuffle bool   // a new order every epoch; without it the order of the split

	// Balance draws the images of rare classes more often, in [0, 1]: see Split.Drawn. It wants Shuffle.
	Balance float64

	Augmentation
}

// depth is the number of batches of a loader: one with the reader, the others filled ahead.
const depth = 4

// A Loader delivers the batches of a split, filled ahead by a goroutine of its own. What a batch holds is a function of
// the split, the options, the epoch and the position alone. Its methods are for one goroutine at a time; nothing is
// allocated once it exists, but for the orders of balanced classes.
type Loader struct {
	split   Split
	options LoaderOptions
	filler  filler

	free, full chan *batch
	starts     chan position
	stopped    chan struct{}

	held    *batch // with the reader, until the next call
	start   position
	next    int // the batch Next delivers
	running bool
	err     error // of images in a file
}

type batch struct {
	images   []uint8
	labels   []int32
	partners []int32 // labels of the images mixed in, none without
	share    float32 // of the images themselves
	start    position
	err      error // in place of images
}

// A position is where a run over an epoch begins; serial tells one Start from another.
type position struct{ epoch, first, serial int }

// mostCrop returns the greatest padding of images to crop: it leaves some of each in
// sight. Along one pixel there is no crop, of the shortest side of others one pixel less.
func mostCrop(shape Shape) int {
	most := max(shape.Height, shape.Width)
	for _, side := range []int{shape.Height, shape.Width} {
		if side > 1 {
			most = min(most, side-1)
		}
	}
	return most
}

// check says what of the options cannot be, beside batch and crop.
func (o *LoaderOptions) check() error {
	for _, v := range []struct {
		name        string
		value, most float64
	}{
		{"balance", o.Balance, 1}, {"rotation", o.Rotate, 180}, {"scaling", o.Scale, 0.9}, {"brightness", o.Brightness, 1}, {"contrast", o.Contrast, 1},
		{"noise", o.Noise, 1}, {"cutout", o.Cutout, 1}, {"mixup", o.Mixup, 1},
	} {
		if !(v.value >= 0 && v.value <= v.most) {
			return fmt.Errorf("datasets: a %s of %v; 0 to %v", v.name, v.value, v.most)
		}
	}
	if o.Balance > 0 && !o.Shuffle {
		return errors.New("datasets: classes are balanced in a new order every epoch only; set Shuffle")
	}
	return nil
}

// NewLoader starts a loader of the images of split, which are of the given shape. Deliver batches with Start and Next;
// Close it in the end. Images that are not of the shape, none at all, and options out of their ranges are errors.
func NewLoader(split Split, shape Shape, o LoaderOptions) (*Loader, error) {
	if err := shape.checkAny(); err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	if split.Len() == 0 || split.values() != split.Len()*shape.Size() {
		return nil, fmt.Errorf("datasets: %d values for %d images of %v; a split needs as many as its shape says, and an image at least", split.values(), split.Len(), shape)
	}
	if o.Batch < 1 {
		return nil, fmt.Errorf("datasets: batch of %d images; at least 1", o.Batch)
	}
	if most := mostCrop(shape); o.Crop < 0 || o.Crop > most {
		return nil, fmt.Errorf("datasets: crop padding of %d pixels for images of %v; 0 to %d", o.Crop, shape, most)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Batch = min(o.Batch, split.Len())
	l := &Loader{
		split:   split,
		options: o,
		filler:  newFiller(shape, o),
		free:    make(chan *batch, depth),
		full:    make(chan *batch, depth),
		starts:  make(chan position),
		stopped: make(chan struct{}),
		running: true,
	}
	for range depth {
		l.free <- &batch{images: make([]uint8, o.Batch*shape.Size()), labels: make([]int32, o.Batch), partners: make([]int32, 0, o.Batch)}
	}
	l.next = l.Batches()
	go l.produce()
	return l, nil
}

// Batches is the number of batches of an epoch, a last partial one included.
func (l *Loader) Batches() int { return (l.split.Len() + l.options.Batch - 1) / l.options.Batch }

// Start makes Next deliver the batches of an epoch from the given one on. An epoch under way is given up.
func (l *Loader) Start(epoch, firstBatch int) {
	if !l.running {
		return
	}
	l.release()
	l.start = position{epoch, max(0, firstBatch), l.start.serial + 1}
	l.next = l.start.first
	l.starts <- l.start
}

// Next delivers the next batch: n x Height x Width x Channels values and n labels, valid until the next call of Next,
// Start or Close. After the last batch of the epoch ok is false, and after an error, which Err returns.
func (l *Loader) Next() (images []uint8, labels []int32, ok bool) {
	l.release()
	if !l.running || l.next >= l.Batches() {
		return nil, nil, false
	}
	for {
		b := <-l.full
		if b.start == l.start {
			l.held = b
			l.next++
			l.err = b.err
			return b.images, b.labels, b.err == nil
		}
		l.free <- b
	}
}

// Err returns the error of the last call of Next: images that are in a file may be unreadable.
func (l *Loader) Err() error { return l.err }

// Mix returns the labels of the images that are mixed into those of the batch that Next delivered last, and the share
// of these; nil and 1 if none are. It is valid as long as the batch.
func (l *Loader) Mix() (partners []int32, share float32) {
	if l.held == nil || len(l.held.partners) == 0 {
		return nil, 1
	}
	return l.held.partners, l.held.share
}

// Close ends the loader's goroutine and waits for it. Next then delivers nothing.
func (l *Loader) Close() {
	if l.running {
		l.running = false
		close(l.starts)
		<-l.stopped
	}
}

func (l *Loader) release() {
	if l.held != nil {
		l.free <- l.held
		l.held = nil
	}
}

// produce fills free buffers in order. It never waits to hand one over: full has room for all of them.
func (l *Loader) produce() {
	defer close(l.stopped)
	order := newOrder(l.split, l.options)
	start, ok := <-l.starts
	for ok {
		order.arrange(start.epoch)
		ok = l.produceFrom(&start, order.draws)
	}
}

// produceFrom fills the batches from start on, until it is given another start, which it stores; false when there will
// be none.
func (l *Loader) produceFrom(start *position, order []draw) (ok bool) {
	free := l.free
	for i := start.first; ; {
		if i >= l.Batches() {
			free = nil
		}
		select {
		case b := <-free:
			low := i * l.options.Batch
			b.err = l.filler.fill(b, l.split, order[low:min(low+l.options.Batch, len(order))], start.epoch, i)
			b.start = *start
			l.full <- b
			i++
		case *start, ok = <-l.starts:
			return ok
		}
	}
}
