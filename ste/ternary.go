// SPDX-License-Identifier: Apache-2.0

package ste

// TWN replaces the weights that share a scale by −α, 0 and α (Li, Liu 2016,
// equations 3 to 6):
//
//	Δ  = 0.7·mean|w|
//	y  = α·t, t = sign(w) where |w| > Δ, else 0
//	α  = mean of |w| where |w| > Δ, the least-squares scale of t
//	dw = dy
//
// Weights that are all 0 have the scale 1.
type TWN struct{ Delta, Scale float32 }

// twnThreshold is Δ/mean|w|, the best for a normal and nearly for a uniform
// distribution.
const twnThreshold = 0.7

// Fit finds threshold and scale of the weights w.
func (t *TWN) Fit(w []float32) {
	t.Delta = float32(twnThreshold * sumAbs(w) / float64(len(w)))
	positive, negative := tails(w, t.Delta)
	t.Scale = 1
	if n := positive.n + negative.n; n > 0 {
		t.Scale = float32((positive.sum + negative.sum) / float64(n))
	}
}

// Code returns −1, 0 or 1.
func (t *TWN) Code(w float32) int16 { return ternary(w, t.Delta) }

// TTQ replaces the weights that share scales by −Wn, 0 and Wp, both scales learned
// (Zhu et al. 2017, equations 6 to 9):
//
//	Δ   = t·max|w|
//	y   = Wp where w > Δ, −Wn where w < −Δ, else 0
//	dw  = Wp·dy, Wn·dy, dy in these cases
//	dWp = Σ dy where w > Δ
//	dWn = −Σ dy where w < −Δ
//
// The last sign is printed as plus in the paper, but y falls with Wn there.
type TTQ struct {
	Delta              float32
	Positive, Negative float32 // Wp and Wn
}

// Fit finds the threshold of the weights w, the given fraction of the greatest.
func (t *TTQ) Fit(w []float32, threshold float32) { t.Delta = threshold * maxAbs(w) }

// Start sets the scales to the mean magnitudes of the weights they stand for.
func (t *TTQ) Start(w []float32) {
	positive, negative := tails(w, t.Delta)
	t.Positive, t.Negative = positive.mean(), negative.mean()
}

// Code returns −1, 0 or 1.
func (t *TTQ) Code(w float32) int16 { return ternary(w, t.Delta) }

// Forward writes the quantized weights to dst, which may be w.
func (t *TTQ) Forward(dst, w []float32) {
	value := [3]float32{-t.Negative, 0, t.Positive}
	for i, v := range w {
		dst[i] = value[t.Code(v)+1]
	}
}

// Backward writes the gradient by the weights w to dw, which may be dy, and
// returns the gradients by the scales.
func (t *TTQ) Backward(dw, w, dy []float32) (positive, negative float64) {
	gain := [3]float32{t.Negative, 1, t.Positive}
	for i, v := range w {
		above, below := beyond(v, t.Delta)
		g := dy[i]
		positive += float64(g) * float64(above)
		negative -= float64(g) * float64(below)
		dw[i] = g * gain[1+above-below]
	}
	return positive, negative
}

// beyond says, as 0 or 1, whether w is above the threshold, or below its negative.
// It has no branch, which would often be guessed wrongly.
func beyond(w, delta float32) (above, below int) {
	if w > delta {
		above = 1
	}
	if w < -delta {
		below = 1
	}
	return above, below
}

// ternary returns sign(w) beyond the threshold, else 0.
func ternary(w, delta float32) int16 {
	above, below := beyond(w, delta)
	return int16(above - below)
}

// A part is some of the weights.
type part struct {
	n   int
	sum float64 // of the weights, or of their magnitudes
}

// mean returns the mean magnitude, 1 of none.
func (t part) mean() float32 {
	if t.n == 0 {
		return 1
	}
	return float32(t.sum / float64(t.n))
}

func tails(w []float32, delta float32) (positive, negative part) {
	for _, v := range w {
		above, below := beyond(v, delta)
		positive.n, positive.sum = positive.n+above, positive.sum+float64(v)*float64(above)
		negative.n, negative.sum = negative.n+below, negative.sum-float64(v)*float64(below)
	}
	return positive, negative
}
