// SPDX-License-Identifier: Apache-2.0

package graph

// A step of the training may be taken in several runs, each with a part of its images
// (Pass.Of). No run may then see what another one has measured: an observed range or a
// running mean that changed between them would make the result depend on who ran when.
// So every run measures, and Commit takes all of it in at the end of the step.

// rangeMeasures is the number of values that a quantizer measures: those of Stats.
const rangeMeasures = 6

// Measures returns the number of values that a run measures beside its result.
func (g *Graph) Measures() (n int) {
	for _, e := range g.epilogues {
		n += e.measures()
	}
	return n
}

// Measured writes what the last run has measured: the statistics of its batch for each
// normalization, and the range of the values for each quantizer.
func (g *Graph) Measured(dst []float64) {
	for _, e := range g.epilogues {
		e.measured(dst[:e.measures()])
		dst = dst[e.measures():]
	}
}

// Commit ends a step in several runs of the pass p: parts has what each of them has
// measured, in the order of their images, and images how many images each had. Running
// statistics take in, once, the means of the parts' means and unbiased variances, weighed
// by their images; quantizers observe, once, what all parts together were given.
func (g *Graph) Commit(p Pass, parts [][]float64, images []int) {
	g.run.Pass, g.within = p, false
	for _, f := range g.begun { // a process may have had no part of the step
		f.Begin(g.run)
	}
	at := 0
	for _, e := range g.epilogues {
		own := make([][]float64, len(parts))
		for k, m := range parts {
			own[k] = m[at : at+e.measures()]
		}
		e.commit(g.run, own, images)
		at += e.measures()
	}
}

// measures is the number of values that the epilogue measures.
func (e *epilogue) measures() (n int) {
	for i := range e.terms {
		n += 2 * len(e.terms[i].unbiased)
	}
	if e.Quantizer != nil {
		n += rangeMeasures
	}
	return n
}

// measured writes the mean and the unbiased variance of each channel for each normalized
// term, then the statistics of the quantizer.
func (e *epilogue) measured(dst []float64) {
	for i := range e.terms {
		if s := &e.terms[i]; s.norm != nil {
			copy(dst, s.mean)
			copy(dst[e.channels:], s.unbiased)
			dst = dst[2*e.channels:]
		}
	}
	if e.Quantizer != nil {
		s := &e.seen
		copy(dst, []float64{float64(s.Min), float64(s.Max), float64(s.Count), s.Sum, s.SumAbs, s.SumSquares})
	}
}

// commit takes in what the parts of a step have measured.
func (e *epilogue) commit(r *Run, parts [][]float64, images []int) {
	e.run = r
	if e.Quantizer != nil {
		e.Quantizer.Begin(r)
	}
	at := 0
	for i := range e.terms {
		s := &e.terms[i]
		if s.norm == nil {
			continue
		}
		if r.Mode == Train && !e.fixed(s) {
			weigh(s.mean, parts, images, at)
			weigh(s.unbiased, parts, images, at+e.channels)
			s.norm.update(s.mean, s.unbiased)
		}
		at += 2 * e.channels
	}
	if !e.observing() {
		return
	}
	e.seen.reset()
	for _, m := range parts {
		m = m[at:]
		e.seen.add(&Stats{Min: float32(m[0]), Max: float32(m[1]), Count: int(m[2]), Sum: m[3], SumAbs: m[4], SumSquares: m[5]})
	}
	e.Quantizer.Observe(r, e.seen)
}

// weigh sets dst to the mean of the parts' values from index at on, weighed by images.
func weigh(dst []float64, parts [][]float64, images []int, at int) {
	total := 0
	clear(dst)
	for k, m := range parts {
		total += images[k]
		for c := range dst {
			dst[c] += float64(float64(images[k]) * m[at+c])
		}
	}
	for c := range dst {
		dst[c] /= float64(total)
	}
}
