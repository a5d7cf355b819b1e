// SPDX-License-Identifier: Apache-2.0

// Package kernel is the loops of the integer runtime: what they are, as interfaces, and what they compute, in Go.
//
// A weighted operator runs in two stages: a Plan, made once from the operator's weights, computes tiles of int32
// accumulators; a Finisher turns them into the codes of the output. Some plans are a Fuser, which does both in one.
//
// The loops that matter exist in several sets, from the reference, which is the definition, to those for one family of
// processors. All give the same integers: sums are exact, and the bounds that make them so are proved when a model is
// read. Reference and Generic, in portable Go, are here. A family of processors is a package: avx2, avx512, amx, neon, and simd128 for WebAssembly. Package
// vector is what these share, and states in one struct what a processor owes. Package sets lists all sets.
//
// Images are height × width × channels, channels innermost, one after the other in a batch. A row is one pixel of one
// image with all its channels; rows are counted through the batch.
package kernel

import "github.com/goqat/goqat/fixed"

// A Conv is the geometry of a convolution. A linear layer is a convolution of a 1 × 1 image.
type Conv struct {
	InH, InW, InC    int
	OutH, OutW, OutC int
	KH, KW           int
	StrideH, StrideW int
	Top, Left        int // padding before the first row and column; after the last it follows from the sizes
	Groups           int
	Zero, Max        int32 // the input's zero point, also the code of padding, and its greatest code
}

// InLen returns the codes of an input image.
func (c *Conv) InLen() int { return c.InH * c.InW * c.InC }

// Pixels returns the rows of an output image.
func (c *Conv) Pixels() int { return c.OutH * c.OutW }

// Taps returns the taps of an output coordinate that lie inside the image: [first, last) of k, and the input
// coordinate of tap 0, which may be outside.
func Taps(out, stride, pad, k, size int) (first, last, origin int) {
	origin = out*stride - pad
	return max(0, -origin), min(k, size-origin), origin
}

// A Tile is a piece of an operator's output: rows through the batch, and channels from a multiple of 16 on. Its
// accumulators are Rows × Stride numbers, of which the first Channels of each row count. Where an output has several
// accumulators, those of all outputs for the first come before those for the second.
type Tile struct{ Row, Rows, Channel, Channels, Stride int }

// A Plan computes the accumulators Σ (q - zero)·w of one operator. It is immutable: goroutines share it, each with its
// own Scratch.
type Plan interface {
	// Tiles returns the number of tiles of a batch, and Tile one of them, with at most MaxTile accumulators. Tiles cover
	// the output once.
	Tiles(batch int) int
	Tile(i, batch int) Tile
	MaxTile() int
	// Accumulate fills acc, Rows × Stride for each accumulator of an output, with those of a tile over the batch of
	// images x.
	Accumulate(acc []int32, x []uint8, t Tile, s *Scratch)
	// Needs returns the scratch that Accumulate uses.
	Needs() Needs
}

// NameOf returns what a Plan or a Fused is called in descriptions: its Name, if it has that method, or else the one given.
func NameOf(p any, otherwise string) string {
	if n, ok := p.(interface{ Name() string }); ok {
		return n.Name()
	}
	return otherwise
}

// A Fuser is a Plan that, with some finishers, writes codes without accumulators in between.
type Fuser interface {
	// Fuse returns the plan with its end, nil for a finisher that is not one of these.
	Fuse(f Finisher) Fused
}

// Fused is a plan with its end.
type Fused interface {
	// Run writes a tile of the plan, for the batch of images x, to the output.
	Run(t Tile, x []uint8, tensors []Tensor, s *Scratch)
	// Needs returns the scratch that Run uses.
	Needs() Needs
}

// A Pooler is a Fused that can be one with a max pooling of its output, without writing the output itself.
type Pooler interface {
	// Pool returns both in one, which writes the pooling's output, of the given index; nil for windows and ends that cannot be so.
	Pool(w *Window, output int) Fused
}

// A SignReader is a Fused of signs, as codes 0 and 1, that can make them of the codes that they are the signs of.
type SignReader interface {
	// FromCodes returns one that reads these codes, nil if there is none: signs are by the thresholds of an epilogue on them alone.
	FromCodes(e Epilogue) Fused
}

// Needs are the lengths of the buffers of a Scratch.
type Needs struct{ Acc, Wide, Sums, Bytes, Words int }

// Max returns the needs of a scratch that serves both.
func (n Needs) Max(o Needs) Needs {
	return Needs{max(n.Acc, o.Acc), max(n.Wide, o.Wide), max(n.Sums, o.Sums), max(n.Bytes, o.Bytes), max(n.Words, o.Words)}
}

// A Scratch is the memory of one worker.
type Scratch struct {
	Acc   []int32
	Wide  []int32
	Sums  []int64
	Bytes []uint8
	Words []uint64
}

// NewScratch returns a scratch with at least the given lengths.
func NewScratch(n Needs) *Scratch {
	return &Scratch{make([]int32, n.Acc), make([]int32, n.Wide), make([]int64, n.Sums), make([]uint8, n.Bytes), make([]uint64, n.Words)}
}

// A Tensor is one tensor of a running batch: Codes with their zero point, or Wide, accumulators, values or logits. Steps, if
// its images have steps of their own, has one for each image.
type Tensor struct {
	Codes []uint8
	Zero  int32
	Wide  []int32
	Steps []fixed.Step
}

// A Set is an implementation of the loops that matter.
type Set struct {
	Name      string
	Supported bool // by this processor
	// Permit asks the operating system for what the loops need beside the processor, once for all time; nil where they need
	// nothing. It says what is refused, and then the set must not be used.
	Permit func() error
	// Plan prepares a convolution with weights [OutC][KH][KW][InC/Groups], which it can keep.
	Plan func(c Conv, weights []int8) Plan
	// Packed is Plan with weights in as few bits as the loops take: less memory, and less to wait for where weights come
	// from memory for a few rows, but taken apart anew for every tile of rows. It is nil where Plan does the same.
	Packed func(c Conv, weights []int8) Plan
	// Small is Plan with the least memory, at the price of some time. It is nil where that is Packed, or Plan.
	Small func(c Conv, weights []int8) Plan
	// FewRows is the number of rows below which products by Plan wait for weights, so that those by Packed take less time.
	FewRows int
	// Signs prepares a convolution of signs.
	Signs func(c Conv, signs int, weights []int16) Plan
	// SignCodes says whether an operator on one sign, with weights of one bit, takes less time as one on codes (see the function
	// of this name) by Plan than by Signs; nil for none.
	SignCodes func(c Conv) bool
	// Finish prepares an epilogue.
	Finish func(e Epilogue) Finisher
	// Compare prepares an epilogue with thresholds.
	Compare func(e Epilogue) Finisher
	// MaxPool writes the greatest code of each window to rows [row, row+rows) of the output dst, padding left out.
	MaxPool func(w *Window, dst, x []uint8, row, rows int)
	// SumPool writes Σ (q - zero) over each window of these rows to acc, rows × channels; there is no padding.
	SumPool func(w *Window, acc []int32, x []uint8, row, rows int)
	// Online writes the codes of an image's values and returns their step.
	Online func(o fixed.Online, codes []uint8, values []int32) fixed.Step
}

// A Finisher turns accumulators into an output tensor.
type Finisher interface {
	// Finish writes a tile of the output. acc are the accumulators of the first term, nil where all terms are tensors.
	Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch)
	// Needs returns the scratch that Finish uses.
	Needs() Needs
}

// Reference is the definition of all sets, tap by tap and output by output.
var Reference = Set{
	Name: "reference", Supported: true, Plan: newReference, Signs: newReferenceSigns,
	Finish: newReferenceFinish, Compare: newReferenceFinish, MaxPool: MaxPool, SumPool: SumPool, Online: referenceOnline,
}

// Generic is the set of processors that have none of their own.
var Generic = Set{
	Name: "generic", Supported: true, Plan: NewGeneric, Signs: NewBits, SignCodes: areCodes,
	Finish: NewFinish, Compare: NewCompare, MaxPool: MaxPool, SumPool: SumPool, Online: OnlineCodes,
}

// rowTiles splits a number of rows in tiles of at most each rows.
type rowTiles struct {
	pixels, each, channels int
}

func (r rowTiles) Tiles(batch int) int { return (batch*r.pixels + r.each - 1) / r.each }

func (r rowTiles) Tile(i, batch int) Tile {
	first := i * r.each
	return Tile{Row: first, Rows: min(r.each, batch*r.pixels-first), Channels: r.channels, Stride: r.channels}
}

func (r rowTiles) MaxTile() int { return r.each * r.channels }
