// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"fmt"
	"math"
)

// entropy is the rule "kl": the threshold on |x| at which the distribution of
// the values, as the codes leave it, is nearest to what it was, measured by the
// divergence of Kullback and Leibler (Migacz 2017, "8-bit Inference with
// TensorRT", slides 31 to 37).
//
// Three choices decide what it finds, and differ from tool to tool. The bins are
// those of a [Histogram], 2,048 to 4,096 up to the greatest magnitude. The levels
// are 2^Bits for a tensor without negative values and 2^(Bits−1) otherwise. Values
// of exactly 0 do not count, and no bin is replaced by another.
//
// For a threshold after i bins, P is the first i bins with all that lies beyond
// added to the last. Q has, for each level, the mean of its bins that are not
// empty, without what lies beyond.
//
// The rule is for activations. Fewer values than bins, as the weights of a channel
// are, have no distribution: most bins are empty, and a threshold with one filled bin
// before it leaves P and Q equal. Of such a tensor all values are covered.
type entropy struct{ h Histogram }

func (e *entropy) Image(x []float32) { e.h.Add(x) }

func (e *entropy) Range(g Grid) (Range, error) {
	if err := e.h.check(); err != nil {
		return Range{}, err
	}
	r := e.h.extremes()
	if e.h.Count-e.h.Zeros < half {
		return g.cover(r), nil
	}
	t := e.h.width() * float64(leastDivergence(e.h.magnitudes(), e.levels(g)))
	if g.Symmetric {
		return g.cover(Range{0, min(t, max(-r.Lo, r.Hi))}), nil
	}
	return Range{max(r.Lo, -t), min(r.Hi, t)}, nil
}

// levels returns the number of codes of magnitudes.
func (e *entropy) levels(g Grid) int {
	if g.Symmetric || e.h.Min < 0 {
		return 1 << max(0, g.Bits-1)
	}
	return 1 << g.Bits
}

// spike is the part of all values other than 0 that makes one bin a spike: with
// bins so narrow, the values of no usual layer have one.
const spike = 0.05

// Warn says why the rule should not be trusted for this tensor, "" if nothing
// speaks against it: where many values are the same, as those of a plain
// background are, the divergence follows them and clips the rest.
func (e *entropy) Warn() string {
	counted := e.h.Count - e.h.Zeros
	for _, b := range e.h.filled() {
		if part := b.count / float64(counted); part > spike && counted > half {
			return fmt.Sprintf("%.0f %% of its values are next to %.3g, on which kl goes wrong; choose mse", 100*part, b.center)
		}
	}
	return ""
}

// leastDivergence returns the number of bins, at least as many as there are
// levels, for which the divergence of P and Q is least; of equal ones the
// greatest.
func leastDivergence(counts []int64, levels int) int {
	if len(counts) <= levels {
		return len(counts)
	}
	s := newPrefix(counts)
	best, least := len(counts), math.Inf(1)
	for i := levels; i <= len(counts); i++ {
		if d := s.divergence(i, levels); d <= least {
			best, least = i, d
		}
	}
	return best
}

// prefix has sums over the first bins of a histogram.
type prefix struct {
	count  []float64 // Σ n
	filled []int     // bins that are not empty
	logs   []float64 // Σ n·log n
	counts []int64
}

func newPrefix(counts []int64) *prefix {
	n := len(counts) + 1
	p := &prefix{count: make([]float64, n), filled: make([]int, n), logs: make([]float64, n), counts: counts}
	for i, c := range counts {
		p.count[i+1], p.filled[i+1], p.logs[i+1] = p.count[i]+float64(c), p.filled[i], p.logs[i]+logs(float64(c))
		if c > 0 {
			p.filled[i+1]++
		}
	}
	return p
}

// logs returns x·log x, 0 for 0.
func logs(x float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(x)
}

// divergence returns Σ p·log(p/q) for the first i bins, p and q being P and Q
// over their sums; +Inf where P has something in a bin in which Q has nothing.
//
// With S and k the values and the filled bins of a level, q of its filled bins is
// S/k, so that Σ p·log q over the level is S·log(S/k): no bin need be looked at.
// The last bin alone has more in P, all that lies beyond.
func (s *prefix) divergence(i, levels int) float64 {
	total, inside := s.count[len(s.counts)], s.count[i]
	beyond := total - inside
	last := float64(s.counts[i-1])
	if inside == 0 || last == 0 && beyond > 0 {
		return math.Inf(1)
	}
	pLogs := s.logs[i] - logs(last) + logs(last+beyond)
	qLogs := 0.0
	for l := range levels {
		lo, hi := i*l/levels, i*(l+1)/levels
		values, k := s.count[hi]-s.count[lo], s.filled[hi]-s.filled[lo]
		if k == 0 {
			continue
		}
		mean := math.Log(values / float64(k))
		qLogs += values * mean
		if l == levels-1 {
			qLogs += beyond * mean
		}
	}
	// Σ P log P − Σ P log Q, and the sums' own logarithms.
	return (pLogs-qLogs)/total - math.Log(total) + math.Log(inside)
}
