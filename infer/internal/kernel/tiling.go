// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !purego

package kernel

// A tiling cuts a layer's output in tiles: in bands of lines of an image and, beside each other, in channels. Where every
// output row has its own input row, in the same order, as in a linear layer or a 1 × 1 convolution, it is flat: a tile is
// rows of the batch.
type tiling struct {
	band
	flat     bool
	together int // channels of a product, which a tile's accumulators have multiples of
	rows     int // of a tile, at most
	channels int // of a tile, at most; a multiple of together
}

func newTiling(c Conv, width, together int) tiling {
	return tiling{
		band: band{c: c, width: width}, together: together,
		flat: c.KH == 1 && c.KW == 1 && c.InH == c.OutH && c.InW == c.OutW,
	}
}

// padded returns the accumulators of a row of so many channels.
func (p *tiling) padded(channels int) int {
	return (channels + p.together - 1) / p.together * p.together
}

// beside returns the number of tiles side by side in the channels.
func (p *tiling) beside() int { return (p.c.OutC + p.channels - 1) / p.channels }

func (p *tiling) Tiles(batch int) int {
	if p.flat {
		return p.beside() * ((batch*p.c.Pixels() + p.rows - 1) / p.rows)
	}
	return p.beside() * batch * p.perImage()
}

func (p *tiling) Tile(i, batch int) Tile {
	t := Tile{Channel: i % p.beside() * p.channels}
	t.Channels = min(p.channels, p.c.OutC-t.Channel)
	t.Stride = p.padded(t.Channels)
	i /= p.beside()
	if p.flat {
		t.Row, t.Rows = i*p.rows, min(p.rows, batch*p.c.Pixels()-i*p.rows)
	} else {
		t.Row, t.Rows = p.tile(i)
	}
	return t
}

func (p *tiling) MaxTile() int { return p.rows * p.channels }
