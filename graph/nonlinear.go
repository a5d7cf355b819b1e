// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/goqat/goqat/network"

// Nonlinear adds an activation as an op of its own, for activations that an epilogue
// does not have (network.Activation.Clamps). It has one slope for all channels, or, if
// the parameter slopes is not nil, a learned slope for each channel. Where a sign
// replaces the activation, quantized runs leave it out (see Epilogue.Replaced). In Integer runs
// integers pass through, and the epilogue after it has the table (see SetTable).
func (g *Graph) Nonlinear(name string, x *Node, a network.Activation, slope float64, slopes *Param, replaced bool) *Node {
	if g.err != nil {
		return x
	}
	f := &nonlinear{activation: a, slope: slope, replaced: replaced, channels: x.Channels, rows: x.Height * x.Width}
	inputs := []*Node{x}
	if slopes != nil {
		if len(slopes.Value) != x.Channels {
			g.Errorf("graph: %s: %d slopes for %d channels", name, len(slopes.Value), x.Channels)
			return x
		}
		inputs = append(inputs, slopes.node)
		f.sums = make([]float64, g.batch*x.Channels)
	}
	return g.Apply(name, f, x.Height, x.Width, x.Channels, inputs...)
}

// nonlinear is the Function of Nonlinear.
type nonlinear struct {
	activation     network.Activation
	slope          float64
	replaced       bool
	rows, channels int       // of an image
	sums           []float64 // by image and channel: the gradient of learned slopes

	// One run's arguments, for the tiles, an image each.
	y, x, slopes, dx, dy []float32
}

// passes says whether values stay what they are in a run.
func (f *nonlinear) passes(r *Run) bool { return r.Mode == Integer || f.replaced && r.Quantize }

// at returns the slope of a channel.
func (f *nonlinear) at(c int) float64 {
	if f.slopes == nil {
		return f.slope
	}
	return float64(f.slopes[c])
}

// bind notes the arguments of a run.
func (f *nonlinear) bind(x [][]float32) {
	f.x, f.slopes = x[0], nil
	if len(x) > 1 {
		f.slopes = x[1]
	}
}

func (f *nonlinear) Forward(r *Run, y []float32, x [][]float32) error {
	if f.passes(r) {
		copy(y[:r.Batch*f.rows*f.channels], x[0])
		return nil
	}
	f.bind(x)
	f.y = y
	r.Do((*nonlinearForward)(f), r.Batch)
	return nil
}

func (f *nonlinear) Backward(r *Run, dx [][]float32, dy []float32, x [][]float32) error {
	if f.passes(r) {
		if dx[0] != nil {
			copy(dx[0][:r.Batch*f.rows*f.channels], dy)
		}
		if len(dx) > 1 && dx[1] != nil {
			clear(dx[1])
		}
		return nil
	}
	f.bind(x)
	f.dx, f.dy = dx[0], dy
	r.Do((*nonlinearBackward)(f), r.Batch)
	if len(dx) > 1 && dx[1] != nil {
		total(f.sums, r.Batch, f.channels)
		for c := range dx[1] {
			dx[1][c] = float32(f.sums[c])
		}
	}
	return nil
}

type (
	nonlinearForward  nonlinear // the values
	nonlinearBackward nonlinear // the gradients
)

func (t *nonlinearForward) Tile(i, _ int) {
	f := (*nonlinear)(t)
	size := f.rows * f.channels
	y, x := f.y[i*size:(i+1)*size], f.x[i*size:(i+1)*size]
	for j, v := range x {
		y[j] = float32(f.activation.Value(float64(v), f.at(j%f.channels)))
	}
}

func (t *nonlinearBackward) Tile(i, _ int) {
	f := (*nonlinear)(t)
	size := f.rows * f.channels
	x, dy := f.x[i*size:(i+1)*size], f.dy[i*size:(i+1)*size]
	if f.dx != nil {
		dx := f.dx[i*size : (i+1)*size]
		for j, v := range x {
			dx[j] = float32(float64(dy[j]) * f.activation.Gradient(float64(v), f.at(j%f.channels)))
		}
	}
	if f.sums == nil {
		return
	}
	sums := f.sums[i*f.channels : (i+1)*f.channels]
	clear(sums)
	for j, v := range x {
		if v < 0 {
			sums[j%f.channels] += float64(float64(dy[j]) * float64(v))
		}
	}
}
