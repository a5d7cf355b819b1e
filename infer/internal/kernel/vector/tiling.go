// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// A Tiling cuts a layer's output in tiles: in bands of lines of an image and, beside each other, in channels. Where every
// output row has its own input row, in the same order, as in a linear layer or a 1 × 1 convolution, it is flat: a tile is
// rows of the batch.
type Tiling struct {
	Band
	Flat     bool
	Together int // channels of a product, which a tile's accumulators have multiples of
	Rows     int // of a tile, at most
	Channels int // of a tile, at most; a multiple of Together
}

// NewTiling returns a tiling without sizes yet.
func NewTiling(c kernel.Conv, width, together int) Tiling {
	return Tiling{
		Band: Band{C: c, Width: width}, Together: together,
		Flat: c.KH == 1 && c.KW == 1 && c.InH == c.OutH && c.InW == c.OutW,
	}
}

// Padded returns the accumulators of a row of so many channels.
func (p *Tiling) Padded(channels int) int {
	return (channels + p.Together - 1) / p.Together * p.Together
}

// beside returns the number of tiles side by side in the channels.
func (p *Tiling) beside() int { return (p.C.OutC + p.Channels - 1) / p.Channels }

func (p *Tiling) Tiles(batch int) int {
	if p.Flat {
		return p.beside() * ((batch*p.C.Pixels() + p.Rows - 1) / p.Rows)
	}
	return p.beside() * batch * p.PerImage()
}

func (p *Tiling) Tile(i, batch int) kernel.Tile {
	t := kernel.Tile{Channel: i % p.beside() * p.Channels}
	t.Channels = min(p.Channels, p.C.OutC-t.Channel)
	t.Stride = p.Padded(t.Channels)
	i /= p.beside()
	if p.Flat {
		t.Row, t.Rows = i*p.Rows, min(p.Rows, batch*p.C.Pixels()-i*p.Rows)
	} else {
		t.Row, t.Rows = p.Band.Tile(i)
	}
	return t
}

func (p *Tiling) MaxTile() int { return p.Rows * p.Channels }
