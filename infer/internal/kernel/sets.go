// SPDX-License-Identifier: Apache-2.0

package kernel

// sets is a convolution with several sets of weights, each with an accumulator of its own for every output: a plan for
// each, all with the same tiles.
type sets []Plan

// NewSets prepares a convolution with so many sets of weights, of which prepare makes the plan of one. It is the plan of
// the only one, too.
func NewSets(set Set, n int, prepare func(set Set, k int) Plan) Plan {
	p := make(sets, n)
	for k := range p {
		p[k] = prepare(set, k)
	}
	if n == 1 {
		return p[0]
	}
	if all := Sets(); !p.alike() { // weights of other bits can have other tiles, but for the reference
		return NewSets(all[len(all)-1], n, prepare)
	}
	return p
}

// alike says whether all plans have the same tiles.
func (p sets) alike() bool {
	const batch = 2
	first := p[0]
	for _, q := range p[1:] {
		if q.MaxTile() != first.MaxTile() || q.Tiles(batch) != first.Tiles(batch) {
			return false
		}
		for i := range q.Tiles(batch) {
			if q.Tile(i, batch) != first.Tile(i, batch) {
				return false
			}
		}
	}
	return true
}

func (p sets) Name() string { return NameOf(p[0], "reference") }

func (p sets) Tiles(batch int) int { return p[0].Tiles(batch) }

func (p sets) Tile(i, batch int) Tile { return p[0].Tile(i, batch) }

func (p sets) MaxTile() int { return len(p) * p[0].MaxTile() }

func (p sets) Needs() Needs {
	var n Needs
	for _, q := range p {
		n = n.Max(q.Needs())
	}
	return n
}

func (p sets) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	each := len(acc) / len(p)
	for k, q := range p {
		q.Accumulate(acc[k*each:][:each], x, t, s)
	}
}
