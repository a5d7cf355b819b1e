// SPDX-License-Identifier: Apache-2.0

package ste

import "math"

// Bases approximates the weights that share scales by a sum of M binary bases
// (Lin, Zhao, Pan 2017, section 3.1). With mean and deviation of the weights, and
// u₁ … u_M evenly from −1 to 1 (0, if there is but one),
//
//	Bᵢ = sign(w − mean + uᵢ·deviation)
//	α  = (BᵀB)⁻¹Bᵀw, the least-squares scales
//	y  = Σ αᵢ·Bᵢ
//	dw = dy·Σ αᵢ
//
// α counts as a constant in the gradient, each Bᵢ as w. Where bases coincide,
// BᵀB is singular: 10⁻⁶ of its diagonal is added to it.
type Bases struct {
	Scale []float32 // α, M of them

	level    []float64   // Bᵢ is +1 from here on
	equation [][]float64 // BᵀB/n, and in the last column Bᵀw/n
	code     []part      // the weights of each code
}

// ridge is what is added to the diagonal of BᵀB/n, which is 1.
const ridge = 1e-6

// NewBases returns bases of so many planes.
func NewBases(planes int) *Bases {
	b := &Bases{Scale: make([]float32, planes), level: make([]float64, planes), equation: make([][]float64, planes), code: make([]part, 1<<planes)}
	for i := range b.equation {
		b.equation[i] = make([]float64, planes+1)
	}
	return b
}

// Fit finds bases and scales of the weights w.
func (b *Bases) Fit(w []float32) {
	var sum, square float64
	for _, v := range w {
		sum += float64(v)
		square += float64(float64(v) * float64(v))
	}
	n := float64(len(w))
	mean := sum / n
	deviation := math.Sqrt(max(0, square/n-float64(mean*mean)))
	planes := len(b.level)
	for i := range b.level {
		u := 0.0
		if planes > 1 {
			u = -1 + 2*float64(i)/float64(planes-1)
		}
		b.level[i] = mean - float64(u*deviation)
	}
	clear(b.code)
	for _, v := range w {
		c := &b.code[b.Code(v)]
		c.n, c.sum = c.n+1, c.sum+float64(v)
	}
	a := b.equation
	for i := range a {
		clear(a[i])
		a[i][i] = ridge
		for code, c := range b.code {
			for j := range planes {
				a[i][j] += signBit(code, i) * signBit(code, j) * float64(c.n) / n
			}
			a[i][planes] += signBit(code, i) * c.sum / n
		}
	}
	solve(a)
	for i := range a {
		b.Scale[i] = float32(a[i][planes])
	}
}

// Code returns the signs of w in the bases: bit i is 1 for +1.
func (b *Bases) Code(w float32) int {
	code := 0
	for i, level := range b.level {
		if float64(w) >= level {
			code |= 1 << i
		}
	}
	return code
}

// Value returns what a code stands for.
func (b *Bases) Value(code int) float32 {
	var y float32
	for i, s := range b.Scale {
		y += s * float32(signBit(code, i))
	}
	return y
}

// Backward writes the gradient by the weights to dw, which may be dy.
func (b *Bases) Backward(dw, dy []float32) {
	var sum float32
	for _, s := range b.Scale {
		sum += s
	}
	for i, g := range dy {
		dw[i] = g * sum
	}
}

// signBit returns bit i of a code as −1 or +1.
func signBit(code, i int) float64 { return float64(code>>i&1*2 - 1) }

// solve replaces the last column of the equations a, their right side, by their
// solution; the matrix is symmetric and positive definite, and overwritten.
func solve(a [][]float64) {
	n := len(a)
	for i := range n {
		for j := i + 1; j < n; j++ {
			f := a[j][i] / a[i][i]
			for k := i; k <= n; k++ {
				a[j][k] -= float64(f * a[i][k])
			}
		}
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			a[i][n] -= float64(a[i][k] * a[k][n])
		}
		a[i][n] /= a[i][i]
	}
}

// Steps approximates activations by a sum of N signs with learned shifts v and
// scales β (Lin, Zhao, Pan 2017, section 3.2):
//
//	Aₙ  = +1 where clip(x + vₙ, 0, 1) ≥ 1/2, that is x ≥ 1/2 − vₙ, else −1
//	y   = Σ βₙ·Aₙ
//	dx  = dy·Σ βₙ, over the n with 0 ≤ x + vₙ ≤ 1
//	dvₙ = Σ βₙ·dy where 0 ≤ x + vₙ ≤ 1
//	dβₙ = Σ dy·Aₙ
type Steps struct{ Shift, Scale []float32 }

// stepOf returns A for the shift v.
func stepOf(x, v float32) float32 {
	if x >= 0.5-v {
		return 1
	}
	return -1
}

// Forward writes the approximation of src to dst, which may be src.
func (s *Steps) Forward(dst, src []float32) {
	for i, x := range src {
		var y float32
		for n, v := range s.Shift {
			y += s.Scale[n] * stepOf(x, v)
		}
		dst[i] = y
	}
}

// Backward writes the gradient by src to dx, which may be dy, and adds the gradients
// by the shifts and the scales.
func (s *Steps) Backward(dx, src, dy []float32, dshift, dscale []float64) {
	for i, x := range src {
		g := dy[i]
		var through float32
		for n, v := range s.Shift {
			dscale[n] += float64(g * stepOf(x, v))
			if x >= -v && x <= 1-v {
				through += s.Scale[n]
				dshift[n] += float64(s.Scale[n] * g)
			}
		}
		dx[i] = g * through
	}
}
