// SPDX-License-Identifier: Apache-2.0

package kernel

// A packing is the weights of a pass in panels: in the scratch that the passes of a pool
// share or, where several runs have the same weights, in memory of the pass.
type packing struct {
	panels     []float32
	own        []float32
	keep, held bool // the panels outlive a run; those of the run before are good
}

// begin makes room for panels of n numbers, and says whether they are to be packed.
func (p *packing) begin(pool *Pool, n int) (pack bool) {
	p.panels = pool.common
	if p.keep {
		if len(p.own) < n {
			p.own = aligned(n)
		}
		p.panels = p.own
	}
	pack, p.held = !p.held, p.keep
	return pack
}
