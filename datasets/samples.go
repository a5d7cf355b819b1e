// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/signals"
)

// Samples are labelled signals, or rows of a table, in memory.
type Samples struct {
	Values []float32 // N x Height x Width x Channels
	Labels []int32   // N class indices
	Files  []File    // N, or nil: numbered then, by Values
}

// FromSamples returns a data set of signals of a shape: [1, length, channels], or [height, width, channels] of spectra
// by time. The codes of each channel are spread over the training samples, see signals.Find, unless Options.Samples
// says them. Without test signals, of which there may be none, a sixth of the training signals is for testing, see
// Dataset.Divide. Fewer than two classes, labels of none, and samples that are not as many as the shape says are errors.
func FromSamples(shape Shape, classes []string, train, test Samples, o Options) (*Dataset, error) {
	d, err := fromSamples(shape, classes, [3]Samples{train, {}, test}, o)
	return finish(d, "samples", "samples", o, err)
}

// FromImages returns a data set of images in memory, which it shares: N x Height x Width x Channels values. Without
// test images a sixth of the training images is for testing, see Dataset.Divide. It fails as FromSamples does.
func FromImages(shape Shape, classes []string, train, test Split, o Options) (*Dataset, error) {
	d := &Dataset{Classes: classes, Shape: shape}
	err := d.take(shape, &train, &test, o)
	return finish(d, "images", "images", o, err)
}

// take makes images in memory the set's.
func (d *Dataset) take(shape Shape, train, test *Split, o Options) error {
	if err := shape.check(); err != nil {
		return err
	}
	for name, s := range map[string]*Split{partTrain: train, partTest: test} {
		if len(s.Images) != s.Len()*shape.Size() {
			return fmt.Errorf("%d bytes are not %d %s images of %v", len(s.Images), s.Len(), name, shape)
		}
		if err := checkLabels(s.Labels, d.Classes); err != nil {
			return err
		}
		if s.Files == nil {
			s.Files = unnamed(s.Len(), func(i int) []byte { return s.image(i) })
		}
	}
	return d.divided(*train, Split{}, *test, o)
}

// divided sets the parts, of which those of validation and of test may be empty: test images are then chosen by the
// seed.
func (d *Dataset) divided(train, validation, test Split, o Options) error {
	d.Train, d.Validation, d.Test = train, validation, test
	if train.Len() == 0 {
		return errors.New("nothing to train with")
	}
	if err := d.checkClasses(); err != nil {
		return err
	}
	d.Digest = digestFiles(d)
	d.sayMissing(partValidation, validation, o.note)
	d.sayMissing(partTest, test, o.note)
	if test.Len() > 0 {
		return nil
	}
	d.Train, d.Test, d.Undivided = Split{}, train, true
	if o.Undivided {
		return nil
	}
	return d.divide(o.Seed, o.note)
}

// checkLabels wants two classes, and labels of them.
func checkLabels(labels []int32, classes []string) error {
	if len(classes) < 2 {
		return fmt.Errorf("%s; two or more are needed", plural.Of(len(classes), "class"))
	}
	for i, label := range labels {
		if label < 0 || int(label) >= len(classes) {
			return fmt.Errorf("label %d is %d, not one of %d classes", i, label, len(classes))
		}
	}
	return nil
}

// unnamed are files for what has none: the digest of each, and its number.
func unnamed(n int, content func(i int) []byte) []File {
	files := make([]File, n)
	for i := range files {
		files[i] = File{Path: strconv.Itoa(i), SHA256: sha256.Sum256(content(i))}
	}
	return files
}

// fromSamples divides signals, finds their codes and encodes them.
func fromSamples(shape Shape, classes []string, parts [3]Samples, o Options) (*Dataset, error) {
	if err := shape.checkAny(); err != nil {
		return nil, fmt.Errorf("signals of %w", err)
	}
	all := signalList{size: shape.Size()}
	var places [3]Split
	for k, p := range parts {
		if len(p.Values) != len(p.Labels)*shape.Size() {
			return nil, fmt.Errorf("%d samples are not %d signals of %v", len(p.Values), len(p.Labels), shape)
		}
		if err := checkLabels(p.Labels, classes); err != nil {
			return nil, err
		}
		places[k] = all.add(p)
	}
	d := &Dataset{Classes: classes, Shape: Shape{1, 1, place}}
	if err := d.divided(places[0], places[1], places[2], o); err != nil {
		return nil, err
	}
	if d.Samples = o.Samples; d.Samples == nil {
		if err := d.findSamples(&all, shape.Channels, o); err != nil {
			return nil, err
		}
	}
	if len(d.Samples) != shape.Channels {
		return nil, fmt.Errorf("signals of %d channels, their codes are known for %d", shape.Channels, len(d.Samples))
	}
	for _, s := range []*Split{&d.Train, &d.Validation, &d.Test} {
		if err := all.encode(s, d.Samples); err != nil {
			return nil, err
		}
	}
	d.Shape = shape
	return d, nil
}

// signalList holds the samples of all signals. A division moves images of as many bytes as a place in it has, so that the
// samples stay where they are.
type signalList struct {
	size   int // samples of a signal
	count  int
	values []float32
}

// place is the number of bytes of a place.
const place = 4

// add appends some signals and returns their places.
func (l *signalList) add(p Samples) Split {
	if p.Files == nil {
		p.Files = unnamed(len(p.Labels), func(i int) []byte { return bytesOf(p.Values[i*l.size:][:l.size]) })
	}
	s := Split{Labels: p.Labels, Files: p.Files}
	for range p.Labels {
		s.Images = binary.LittleEndian.AppendUint32(s.Images, uint32(l.count))
		l.count++
	}
	l.values = append(l.values, p.Values...)
	return s
}

// at returns the samples of the signal whose place is image i of a split.
func (l *signalList) at(s *Split, i int) []float32 {
	return l.values[int(binary.LittleEndian.Uint32(s.image(i)))*l.size:][:l.size]
}

// encode makes codes of the places of a split.
func (l *signalList) encode(s *Split, samples signals.Encoding) error {
	codes := make([]uint8, s.Len()*l.size)
	for i := range s.Len() {
		if err := samples.Encode(codes[i*l.size:][:l.size], l.at(s, i)); err != nil {
			return err
		}
	}
	s.Images = codes
	return nil
}

// findSamples finds the codes on the signals for training, or of an undivided set on all.
func (d *Dataset) findSamples(all *signalList, channels int, o Options) (err error) {
	from := &d.Train
	if d.Undivided {
		from = &d.Test
	}
	seen := make([]float32, 0, from.Len()*all.size)
	for i := range from.Len() {
		seen = append(seen, all.at(from, i)...)
	}
	percentile := cmp.Or(o.Percentile, 100)
	if d.Samples, err = signals.Find(seen, channels, percentile); err == nil {
		o.note(d.saySamples(percentile))
	}
	return err
}

// maxSamples bounds the sides of a signal: those of a model.
const maxSamples = 1 << 16

// saySamples says what the codes of the first channels stand for.
func (d *Dataset) saySamples(percentile float64) string {
	const few = 4
	text := "codes of samples, found on those for training"
	if percentile < 100 {
		text += fmt.Sprintf(", the middle %v %%", percentile)
	}
	for c, p := range d.Samples[:min(few, len(d.Samples))] {
		text += fmt.Sprintf("; channel %d: %.4g to %.4g", c, p.Real(0), p.Real(255))
	}
	if len(d.Samples) > few {
		text += "; …"
	}
	return text
}

// bytesOf are the bits of samples.
func bytesOf(samples []float32) []byte {
	b := make([]byte, 0, 4*len(samples))
	for _, x := range samples {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
