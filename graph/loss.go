// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"

	"github.com/goqat/goqat/internal/logits"
)

// Loss is a loss function of logits.
type Loss uint8

// The losses.
const (
	// CrossEntropy is the mean over the images of the step of −Σ w[c] target[c] log softmax(logits)[c],
	// where w are Pass.ClassWeights and the target is 1 for the label and 0 else, unless
	// the pass spreads it (see Pass.Smoothing, Pass.Partners).
	// With Pass.SoftWeight λ > 0 it is distillation (Hinton et al. 2015, section 2):
	// (1 − λ) times that, plus λ T² times the cross entropy of softmax(logits/T)
	// with the soft targets softmax(teacher/T) given to FeedSoft.
	CrossEntropy Loss = iota
	// SquaredHinge is the mean over images and classes of max(0, 1 − t·logit)²,
	// t = 1 for the label and −1 else (Courbariaux et al. 2016, Brevitas), times
	// Pass.ClassWeights[label].
	SquaredHinge
)

// classify is the Function of a loss. Its inputs are the logits, [batch, 1, 1,
// classes], the labels, [batch], and the soft targets, [batch, classes].
type classify struct {
	loss    Loss
	classes int
	soft    []float64 // one row of exponentials
	target  []float64 // one row of weighted targets
	dlogits []float32 // gradient of the last forward run
}

func (*classify) forgetful() {}

func (f *classify) Forward(r *Run, y []float32, x [][]float32) error {
	rows, labels, targets := x[0], x[1], x[2]
	var total float64
	images := r.Images()
	for i := range r.Batch {
		lo, hi := i*f.classes, (i+1)*f.classes
		label := int(labels[i])
		if label < 0 || label >= f.classes {
			return fmt.Errorf("label %d of image %d is not one of %d classes", label, i, f.classes)
		}
		d := f.dlogits[lo:hi]
		if f.loss == SquaredHinge {
			total += f.hinge(d, rows[lo:hi], label, images, r.weight(label))
			continue
		}
		hard := 1 - float64(r.SoftWeight)
		clear(d)
		mass := f.spread(r, i, label)
		total += f.cross(d, rows[lo:hi], 1, hard/float64(images), mass, func(c int) float64 { return f.target[c] }) * hard
		if r.SoftWeight > 0 {
			t := float64(r.Temperature)
			w := float64(r.SoftWeight)
			row := targets[lo:hi]
			total += f.cross(d, rows[lo:hi], t, w*t/float64(images), 1, func(c int) float64 { return float64(row[c]) }) * w * t * t
		}
	}
	y[0] = float32(total / float64(images))
	return nil
}

// weight returns the weight of a class in the loss.
func (r *Run) weight(class int) float64 {
	if r.ClassWeights == nil {
		return 1
	}
	return float64(r.ClassWeights[class])
}

// spread sets the weighted target of image i and returns its sum.
func (f *classify) spread(r *Run, i, label int) (mass float64) {
	clear(f.target)
	f.target[label] = 1
	if r.Partners != nil {
		share := float64(r.Share)
		f.target[label] = share
		f.target[r.Partners[i]] += 1 - share
	}
	if e := float64(r.Smoothing); e > 0 {
		for c := range f.target {
			f.target[c] = float64((1-e)*f.target[c]) + e/float64(f.classes)
		}
	}
	for c := range f.target {
		f.target[c] *= r.weight(c)
		mass += f.target[c]
	}
	return mass
}

// cross returns −Σ target·log softmax(row/t) and adds scale times
// mass·softmax(row/t) − target to d; mass is the sum of the target.
func (f *classify) cross(d, row []float32, t, scale, mass float64, target func(int) float64) float64 {
	most, sum := logits.Exponentials(f.soft, row, t)
	logSum := math.Log(sum)
	var loss float64
	for c, v := range row {
		p := target(c)
		if p != 0 {
			loss -= p * ((float64(v)-most)/t - logSum)
		}
		d[c] += float32(scale * (float64(mass*(f.soft[c]/sum)) - p))
	}
	return loss
}

// hinge returns the squared hinge loss of one image, times weight, and writes its
// gradient.
func (f *classify) hinge(d, logits []float32, label, batch int, weight float64) float64 {
	n := float64(f.classes)
	var loss float64
	for c, v := range logits {
		t := -1.0
		if c == label {
			t = 1
		}
		m := max(0, 1-t*float64(v))
		loss += m * m / n
		d[c] = float32(-2 * t * m / (n * float64(batch)) * weight)
	}
	return loss * weight
}

func (f *classify) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	n := r.Batch * f.classes
	for i, d := range f.dlogits[:n] {
		dx[0][i] = d * dy[0]
	}
	return nil
}
