// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"cmp"
	"context"
	"fmt"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// positions is how many outputs of a convolution are looked at in each image; they
// are spread evenly, and differ from image to image.
const positions = 32

// AdaRound chooses the scales and the codes of the weights of every layer whose scales
// may be given (qat.Scaled), so that the layer's sums for the images are those that the
// float weights give as nearly as the codes above and below each weight allow (see
// [Rounding]). Layers are rounded in the order of execution; the inputs of each are
// those of the network quantized before it. The weights become what their codes
// stand for. Images need no labels, and nothing is random. It is an error if the products of a layer's inputs take more memory
// than the repair may, if the network cannot be evaluated, or if ctx ends.
func AdaRound(ctx context.Context, n *layers.Network, images datasets.Split, progress func(done, all int)) error {
	units := weighted(n)
	for _, u := range units {
		size := float64(len(u.Weight.Value) / u.Channels)
		if bytes := 8 * size * size * float64(max(1, u.Window.Groups)); n.Memory > 0 && bytes > float64(n.Memory)/2 {
			return fmt.Errorf("ptq: layer %s has %.0f inputs for each output, for which adaround takes %.1f GiB; leave this repair out", u.Name, size, bytes/(1<<30))
		}
	}
	for i, u := range units {
		if err := ctx.Err(); err != nil {
			return err
		}
		if q, ok := u.Quantizer.(qat.Scaled); ok {
			p := newPatches(n, u)
			if err := p.collect(ctx, n, images); err != nil {
				return err
			}
			p.mirror()
			if err := p.round(ctx, n.Graph, q); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(i+1, len(units))
		}
	}
	return nil
}

// patches gathers the inputs of one layer in the quantized network: for each group of its
// channels, H = Σ xxᵀ over positions of the images.
type patches struct {
	u      *layers.Unit
	input  *layers.Tensor // whose values a pass shows
	pixel  func(code uint8) float32
	size   int // numbers of a patch of one group
	h      [][]float64
	batch  []float32 // patches of the batch at hand, of all groups
	images int       // seen in earlier batches
}

func newPatches(n *layers.Network, u *layers.Unit) *patches {
	groups := max(1, u.Window.Groups)
	p := &patches{u: u, input: u.Input(), size: len(u.Weight.Value) / u.Channels, h: make([][]float64, groups)}
	for p.input.Source != nil && p.input.Source.Rate > 0 { // a dropout shows nothing
		p.input = p.input.Source.Input()
	}
	p.pixel = func(code uint8) float32 { return n.Input.Real(int32(code)) }
	for g := range groups {
		p.h[g] = make([]float64, p.size*p.size)
	}
	return p
}

// collect shows all images to the quantized network.
func (p *patches) collect(ctx context.Context, n *layers.Network, images datasets.Split) error {
	for b, err := range images.Batches(n.Graph.Batch()) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		p.batch = p.batch[:0]
		if p.input.Source == nil {
			pixels := make([]float32, len(b.Images))
			for i, code := range b.Images {
				pixels[i] = p.pixel(code)
			}
			p.cut(pixels, len(b.Labels))
		} else if err := p.look(ctx, n, datasets.Split{Images: b.Images, Labels: b.Labels}); err != nil {
			return err
		}
		p.images += len(b.Labels)
		if err := p.accumulate(n.Graph); err != nil {
			return err
		}
	}
	return nil
}

// look cuts the patches of a batch from the tensor that a pass shows.
func (p *patches) look(ctx context.Context, n *layers.Network, batch datasets.Split) error {
	seen := false
	err := forward(ctx, n, batch, graph.Pass{Quantize: true}, nil, func(t graph.Site, rows int) {
		if t.Name == p.input.Name {
			p.cut(t.Y, rows)
			seen = true
		}
	})
	if err == nil && !seen {
		return fmt.Errorf("ptq: the graph does not show %s, the input of layer %s", p.input.Name, p.u.Name)
	}
	return err
}

// cut appends the patches of some images: for each position of each, the numbers
// under the window, group by group, in the order of the weights.
func (p *patches) cut(x []float32, rows int) {
	u, in := p.u, p.input
	w, d := u.Window, u.Window.Dilated()
	groups := len(p.h)
	channels := u.Input().Channels / groups
	height, width, depth := u.Input().Height, u.Input().Width, u.Input().Channels
	outputs := u.Output.Height * u.Output.Width
	kernelH, kernelW := max(1, w.Kernel[0]), max(1, w.Kernel[1])
	for row := range rows {
		image := x[row*in.Size() : (row+1)*in.Size()]
		for k := range min(positions, outputs) {
			at := (k*outputs/min(positions, outputs) + p.images + row) % outputs
			top, left := at/u.Output.Width*max(1, w.Stride[0])-w.Pad[0], at%u.Output.Width*max(1, w.Stride[1])-w.Pad[1]
			for g := range groups {
				for i := range kernelH {
					for j := range kernelW {
						y, z := top+i*d[0], left+j*d[1]
						for c := range channels {
							v := float32(0)
							if y >= 0 && y < height && z >= 0 && z < width {
								v = image[(y*width+z)*depth+g*channels+c]
							}
							p.batch = append(p.batch, v)
						}
					}
				}
			}
		}
	}
}

// accumulate adds the batch's patches to H, from the diagonal on.
func (p *patches) accumulate(threads *graph.Graph) error {
	groups, n := len(p.h), p.size
	return threads.Do(groups*n, func(job int) {
		g, i := job/n, job%n
		above := p.h[g][i*n+i : (i+1)*n]
		for at := g * n; at < len(p.batch); at += groups * n {
			v := float64(p.batch[at+i])
			if v == 0 {
				continue
			}
			for j, x := range p.batch[at+i : at+n] {
				above[j] += v * float64(x)
			}
		}
	})
}

// mirror completes H, which is symmetric.
func (p *patches) mirror() {
	for _, h := range p.h {
		for i := range p.size {
			for j := range i {
				h[i*p.size+j] = h[j*p.size+i]
			}
		}
	}
}

// round gives the weights their scales and codes. A channel of a large layer takes a second, all
// of them minutes, so that each asks whether it is still wanted.
func (p *patches) round(ctx context.Context, threads *graph.Graph, q qat.Scaled) error {
	u, n := p.u, p.size
	scales, most := q.Scales(), int(quant.Weight(q.Bits()).Max())
	perGroup := u.Channels / len(p.h)
	problems := make([]Rounding, u.Channels)
	errors := make([][]float64, u.Channels) // of each channel, by part of the scale
	weights := func(c int) []float32 { return u.Weight.Value[c*n : (c+1)*n] }
	err := threads.Do(u.Channels, func(c int) {
		if ctx.Err() != nil {
			return
		}
		g, w := c/perGroup, weights(c)
		r := Rounding{Least: -most, Most: most, H: p.h[g]}
		for _, part := range parts {
			r.Scale = part * float64(scales[c%len(scales)])
			errors[c] = append(errors[c], r.quick(w))
		}
		problems[c] = r
	})
	if err := cmp.Or(err, ctx.Err()); err != nil {
		return err
	}
	for s := range scales {
		scales[s] *= float32(parts[leastPart(errors, s, len(scales))])
	}
	err = threads.Do(u.Channels, func(c int) {
		if ctx.Err() != nil {
			return
		}
		r, w, codes := problems[c], weights(c), make([]int16, n)
		scale := scales[c%len(scales)]
		r.Scale = float64(scale)
		r.Solve(codes, w)
		for i, code := range codes {
			w[i] = float32(code) * scale
		}
	})
	return cmp.Or(err, ctx.Err())
}

// parts are what a scale is tried at, of the one that a layer has. With fewer bits it is
// better to clip the greatest weights, and by how much the inputs decide.
var parts = []float64{1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 1.05, 1.1}

// leastPart returns the index of the part with the least sum of errors over the channels
// of scale s of so many.
func leastPart(errors [][]float64, s, scales int) (best int) {
	sums := make([]float64, len(parts))
	for c := s; c < len(errors); c += scales {
		for k, e := range errors[c] {
			sums[k] += e
		}
	}
	for k, sum := range sums {
		if sum < sums[best] {
			best = k
		}
	}
	return best
}
