// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"
)

func random(p *rand.Rand, height, width, channels int) Image {
	m := Image{height, width, channels, make([]uint8, height*width*channels)}
	for i := range m.Pixels {
		m.Pixels[i] = uint8(p.Uint32())
	}
	return m
}

// round is x to nearest, half up.
func round(x *big.Rat) uint8 {
	x = new(big.Rat).Add(x, big.NewRat(1, 2))
	return uint8(new(big.Int).Div(x.Num(), x.Denom()).Int64())
}

// weight is the share of old pixel j in new pixel i along a side, in rational numbers straight from the definition.
func weight(from, to, i, j int) *big.Rat {
	zero, one := new(big.Rat), big.NewRat(1, 1)
	if to <= from {
		low, high := big.NewRat(int64(i*from), int64(to)), big.NewRat(int64((i+1)*from), int64(to))
		if l := big.NewRat(int64(j), 1); l.Cmp(low) > 0 {
			low = l
		}
		if h := big.NewRat(int64(j+1), 1); h.Cmp(high) < 0 {
			high = h
		}
		share := new(big.Rat).Sub(high, low)
		if share.Sign() < 0 {
			return zero
		}
		return share.Mul(share, big.NewRat(int64(to), int64(from)))
	}
	centre := big.NewRat(int64((2*i+1)*from), int64(2*to))
	centre.Sub(centre, big.NewRat(1, 2))
	if last := big.NewRat(int64(from-1), 1); centre.Cmp(last) > 0 {
		centre = last
	}
	if centre.Sign() < 0 {
		centre = zero
	}
	distance := new(big.Rat).Sub(centre, big.NewRat(int64(j), 1))
	share := new(big.Rat).Sub(one, distance.Abs(distance))
	if share.Sign() < 0 {
		return zero
	}
	return share
}

func naiveResize(m Image, height, width int) Image {
	out := Image{height, width, m.Channels, nil}
	for y := range height {
		for x := range width {
			for c := range m.Channels {
				sum := new(big.Rat)
				for j := range m.Height {
					for i := range m.Width {
						w := new(big.Rat).Mul(weight(m.Height, height, y, j), weight(m.Width, width, x, i))
						sum.Add(sum, w.Mul(w, big.NewRat(int64(m.Pixels[(j*m.Width+i)*m.Channels+c]), 1)))
					}
				}
				out.Pixels = append(out.Pixels, round(sum))
			}
		}
	}
	return out
}

func TestResizeIsTheDefinition(t *testing.T) {
	p := rand.New(rand.NewPCG(1, 1))
	sizes := []int{1, 2, 3, 5, 8}
	for _, h := range sizes {
		for _, w := range sizes {
			m := random(p, h, w, 1+2*p.IntN(2))
			for range 4 {
				height, width := sizes[p.IntN(len(sizes))], 1+p.IntN(9)
				got, want := m.Resize(height, width), naiveResize(m, height, width)
				if !bytes.Equal(got.Pixels, want.Pixels) {
					t.Fatalf("%dx%dx%d to %dx%d:\n%v, not\n%v", h, w, m.Channels, height, width, got.Pixels, want.Pixels)
				}
			}
		}
	}
}

func mirrored(m Image) Image {
	out := Image{m.Height, m.Width, m.Channels, nil}
	for y := range m.Height {
		for x := range m.Width {
			at := (y*m.Width + m.Width - 1 - x) * m.Channels
			out.Pixels = append(out.Pixels, m.Pixels[at:at+m.Channels]...)
		}
	}
	return out
}

func TestResizeProperties(t *testing.T) {
	p := rand.New(rand.NewPCG(2, 1))
	for range 100 {
		m := random(p, 1+p.IntN(40), 1+p.IntN(40), 3)
		height, width := 1+p.IntN(40), 1+p.IntN(40)
		small := m.Resize(height, width)
		if len(small.Pixels) != height*width*3 {
			t.Fatalf("%d values", len(small.Pixels))
		}
		if !bytes.Equal(mirrored(m).Resize(height, width).Pixels, mirrored(small).Pixels) {
			t.Fatal("resizing and mirroring do not commute")
		}
		gray := m.Recolor(1)
		if !bytes.Equal(gray.Recolor(3).Resize(height, width).Pixels, gray.Resize(height, width).Recolor(3).Pixels) {
			t.Fatal("resizing and colouring a gray image do not commute")
		}
		even := Image{m.Height, m.Width, 1, bytes.Repeat([]byte{m.Pixels[0]}, m.Height*m.Width)}
		for _, v := range even.Resize(height, width).Pixels {
			if v != m.Pixels[0] {
				t.Fatal("an even image does not stay what it is")
			}
		}
	}
}

// A wide image makes the largest sums.
func TestResizeLargeSides(t *testing.T) {
	m := Image{1, 1 << 20, 1, bytes.Repeat([]byte{255}, 1<<20)}
	for _, size := range [][2]int{{1 << 10, 3}, {1, 1<<20 - 1}, {1, 1}} {
		for _, v := range m.Resize(size[0], size[1]).Pixels {
			if v != 255 {
				t.Fatalf("white becomes %d at %v", v, size)
			}
		}
	}
}

func TestRecolor(t *testing.T) {
	p := rand.New(rand.NewPCG(3, 1))
	m := random(p, 40, 50, 3)
	copy(m.Pixels, []uint8{255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255})
	for i, v := range m.Recolor(1).Pixels {
		sum := new(big.Rat)
		for c, luma := range []int64{299, 587, 114} {
			sum.Add(sum, big.NewRat(luma*int64(m.Pixels[3*i+c]), 1000))
		}
		if v != round(sum) {
			t.Fatalf("%v becomes %d, not %d", m.Pixels[3*i:3*i+3], v, round(sum))
		}
	}
	gray := random(p, 16, 16, 1)
	if !bytes.Equal(gray.Recolor(3).Recolor(1).Pixels, gray.Pixels) {
		t.Fatal("gray to colour and back is not the same gray")
	}
}
