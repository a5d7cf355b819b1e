// SPDX-License-Identifier: Apache-2.0

package ptq

import (
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
const positions = 8

// AdaRound chooses the codes of the weights of every layer whose scales may be given
// (qat.Scaled), so that the layer's sums for the images are those of the float
// network as nearly as the codes above and below each weight allow (see
// [Rounding]). Layers are rounded in the order of execution; the inputs of each are
// those of the network quantized before it. The weights become what their codes
// stand for. Images need no labels, and nothing is random.
func AdaRound(ctx context.Context, n *layers.Network, images datasets.Split, progress func(done, all int)) error {
	units := weighted(n)
	for _, u := range units {
		size := float64(len(u.Weight.Value) / u.Channels)
		if bytes := 16 * size * size * float64(max(1, u.Window.Groups)); n.Memory > 0 && bytes > float64(n.Memory)/2 {
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
			if err := p.round(n.Graph, q); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(i+1, len(units))
		}
	}
	return nil
}

// patches gathers the inputs of one layer: for each group of its channels,
// H = Σ x̂x̂ᵀ and C = Σ x̂xᵀ over positions of the images, x of the float and x̂ of
// the quantized network.
type patches struct {
	u      *layers.Unit
	input  *layers.Tensor // whose values a pass shows
	pixel  func(code uint8) float32
	size   int // numbers of a patch of one group
	h, c   [][]float64
	float  []float32 // patches of the batch at hand, of all groups
	quant  []float32
	images int // seen in earlier batches
}

func newPatches(n *layers.Network, u *layers.Unit) *patches {
	groups := max(1, u.Window.Groups)
	p := &patches{u: u, input: u.Input(), size: len(u.Weight.Value) / u.Channels, h: make([][]float64, groups), c: make([][]float64, groups)}
	for p.input.Source != nil && p.input.Source.Rate > 0 { // a dropout shows nothing
		p.input = p.input.Source.Input()
	}
	p.pixel = func(code uint8) float32 { return n.Input.Real(int32(code)) }
	for g := range groups {
		p.h[g], p.c[g] = make([]float64, p.size*p.size), make([]float64, p.size*p.size)
	}
	return p
}

// collect shows all images to the float and to the quantized network.
func (p *patches) collect(ctx context.Context, n *layers.Network, images datasets.Split) error {
	for b, err := range images.Batches(n.Graph.Batch()) {
		if err != nil {
			return err
		}
		batch := datasets.Split{Images: b.Images, Labels: b.Labels}
		for _, pass := range []struct {
			graph.Pass
			to *[]float32
		}{{graph.Pass{}, &p.float}, {graph.Pass{Quantize: true}, &p.quant}} {
			*pass.to = (*pass.to)[:0]
			if p.input.Source == nil {
				pixels := make([]float32, len(batch.Images))
				for i, code := range batch.Images {
					pixels[i] = p.pixel(code)
				}
				p.cut(pass.to, pixels, batch.Len())
				continue
			}
			seen := false
			err := forward(ctx, n, batch, pass.Pass, nil, func(t graph.Site, rows int) {
				if t.Name == p.input.Name {
					p.cut(pass.to, t.Y, rows)
					seen = true
				}
			})
			if err != nil {
				return err
			}
			if !seen {
				return fmt.Errorf("ptq: the graph does not show %s, the input of layer %s", p.input.Name, p.u.Name)
			}
		}
		p.images += batch.Len()
		if err := p.accumulate(n.Graph); err != nil {
			return err
		}
	}
	return nil
}

// cut appends the patches of some images: for each position of each, the numbers
// under the window, group by group, in the order of the weights.
func (p *patches) cut(to *[]float32, x []float32, rows int) {
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
							*to = append(*to, v)
						}
					}
				}
			}
		}
	}
}

// accumulate adds the batch's patches to the sums, to H from the diagonal on.
func (p *patches) accumulate(threads *graph.Graph) error {
	groups, n := len(p.h), p.size
	return threads.Do(groups*n, func(job int) {
		g, i := job/n, job%n
		h, c := p.h[g][i*n:(i+1)*n], p.c[g][i*n:(i+1)*n]
		for at := g * n; at < len(p.quant); at += groups * n {
			v := float64(p.quant[at+i])
			if v == 0 {
				continue
			}
			above := h[i:]
			for j, x := range p.quant[at+i : at+n] {
				above[j] += v * float64(x)
			}
			for j, x := range p.float[at : at+n] {
				c[j] += v * float64(x)
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

// round gives each channel's weights their codes.
func (p *patches) round(threads *graph.Graph, q qat.Scaled) error {
	u, n := p.u, p.size
	scales, most := q.Scales(), int(quant.Weight(q.Bits()).Max())
	perGroup := u.Channels / len(p.h)
	return threads.Do(u.Channels, func(c int) {
		w := u.Weight.Value[c*n : (c+1)*n]
		g := c / perGroup
		scale := scales[c%len(scales)]
		r := Rounding{Scale: float64(scale), Least: -most, Most: most, H: p.h[g], G: make([]float64, n)}
		for i := range r.G {
			for j, x := range p.c[g][i*n : (i+1)*n] {
				r.G[i] += x * float64(w[j])
			}
		}
		codes := make([]int16, n)
		r.Solve(codes, w)
		for i, code := range codes {
			w[i] = float32(code) * scale
		}
	})
}
