// SPDX-License-Identifier: Apache-2.0

package kernel

// A Follower is told what a pass stores, so that it can read that while it is in a cache.
type Follower interface {
	// Stored says that n of the numbers [lo, hi) of the result are stored, whole pixels, or some channels of them.
	// Worker is that of a Task; several workers may call it at a time.
	Stored(lo, hi, n, worker int)
}

// Follow has f told of forward passes, nobody if it is nil.
func (p *ConvPlan) Follow(f Follower) { p.followed.follower = f }

// A followedPass is a pass whose follower is told after every tile.
type followedPass struct {
	follower Follower

	pass          Task
	r             *correlation
	batch, chunks int // of the run
}

// run runs the tiles of a pass of a correlation, whose blocks are cut into chunks.
func (t *followedPass) run(pool *Pool, pass Task, r *correlation, batch, chunks int) {
	tiles := r.blocks(batch) * chunks
	if t == nil || t.follower == nil {
		pool.Run(pass, tiles)
		return
	}
	t.pass, t.r, t.batch, t.chunks = pass, r, batch, chunks
	pool.Run(t, tiles)
	t.pass = nil
}

// Tile does a tile of the pass.
func (t *followedPass) Tile(i, worker int) {
	t.pass.Tile(i, worker)
	b := t.r.at(i/t.chunks, t.batch)
	lo, pixels := (b.image*t.r.dstH+b.row)*t.r.dstW*t.r.dstC, b.rows*t.r.dstW
	if b.images > 1 {
		pixels = b.images * t.r.dstH * t.r.dstW
	}
	first, last := chunkOf(i%t.chunks, t.chunks, t.r.panels())
	channels := t.r.groups * (min(last*tileCols, t.r.dstGroup) - first*tileCols)
	t.follower.Stored(lo, lo+pixels*t.r.dstC, pixels*channels, worker)
}
