// SPDX-License-Identifier: Apache-2.0

package kernel

// parts is a convolution whose weights are in parts, each with an accumulator of its own for every output: a plan for
// each part, all with the same tiles.
type parts []Plan

// NewParts prepares a convolution whose weights are in n parts, of which prepare makes the plan of one. A single part is
// its own plan.
func NewParts(set Set, n int, prepare func(set Set, k int) Plan) Plan {
	p := make(parts, n)
	for k := range p {
		p[k] = prepare(set, k)
	}
	if n == 1 {
		return p[0]
	}
	switch { // weights of other bits can have other tiles, of signs in portable Go, too, but for the reference
	case p.alike():
		return p
	case set.Name == Generic.Name:
		return NewParts(Reference, n, prepare)
	default:
		return NewParts(Generic, n, prepare)
	}
}

// alike says whether all plans have the same tiles.
func (p parts) alike() bool {
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

func (p parts) Name() string { return NameOf(p[0], "reference") }

func (p parts) Tiles(batch int) int { return p[0].Tiles(batch) }

func (p parts) Tile(i, batch int) Tile { return p[0].Tile(i, batch) }

func (p parts) MaxTile() int { return len(p) * p[0].MaxTile() }

func (p parts) Needs() Needs {
	var n Needs
	for _, q := range p {
		n = n.Max(q.Needs())
	}
	return n
}

func (p parts) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	each := len(acc) / len(p)
	for k, q := range p {
		q.Accumulate(acc[k*each:][:each], x, t, s)
	}
}
