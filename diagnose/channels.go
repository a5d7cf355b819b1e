// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
)

// deadShare is the share of a layer's channels from which on their being 0 for every
// image is a finding.
const deadShare = 0.5

// channels are what the channels of a tensor have for all images.
type channels struct{ least, most []float32 }

func (c *channels) see(y []float32, count int) {
	if c.least == nil {
		c.least, c.most = append([]float32(nil), y[:count]...), append([]float32(nil), y[:count]...)
	}
	for i, v := range y {
		k := i % count
		c.least[k], c.most[k] = min(c.least[k], v), max(c.most[k], v)
	}
}

// forward shows every tensor of the network for the validation images.
func (e *examination) forward(p graph.Pass, see func(graph.Site)) error {
	n, s := e.Network, e.Images.Validation
	p.Mode, p.Tap = graph.Eval, see
	for b, err := range s.Batches(n.Graph.Batch()) {
		if err := cmp.Or(err, e.ctx.Err()); err != nil {
			return err
		}
		if _, err := n.Forward(p, b.Images, b.Labels); err != nil {
			return err
		}
	}
	return nil
}

// channels looks in the float network for channels that say nothing: rectified to 0 for
// every image, or of one value.
func (e *examination) channels() (found []Finding, err error) {
	e.seen = map[string]*channels{}
	of := map[string]*layers.Unit{}
	for _, u := range e.Network.Units {
		if u.Kind.Weighted() && !u.Output.Sums && u.Output != e.Network.Logits {
			of[u.Output.Name] = u
			e.seen[u.Output.Name] = &channels{}
		}
	}
	if err := e.forward(graph.Pass{}, func(s graph.Site) {
		if u := of[s.Name]; u != nil {
			e.seen[s.Name].see(s.Y, u.Output.Channels)
		}
	}); err != nil {
		return nil, err
	}
	for _, u := range e.Network.Units {
		if c := e.seen[u.Output.Name]; c != nil {
			found = append(found, e.silent(u, c)...)
		}
	}
	return found, nil
}

// silent names a layer with many dead channels, or with constant ones.
func (e *examination) silent(u *layers.Unit, c *channels) (found []Finding) {
	dead, constant, first := 0, 0, -1
	for k, v := range c.least {
		switch {
		case v != c.most[k]:
		case v == 0 && u.Activation != network.Identity:
			dead++
		default:
			if constant++; first < 0 {
				first = k
			}
		}
	}
	all := float64(len(c.least))
	if share := float64(dead) / all; share >= deadShare {
		found = append(found, Finding{
			Cause: DeadChannels, Where: u.Name,
			Says:     fmt.Sprintf("%d of %s of layer %s gave 0 after its activation for every image, which leaves no gradient to come back by; train again with a lower learning rate", dead, plural.Of(len(c.least), "channel"), u.Name),
			Evidence: map[string]float64{"dead": float64(dead), "channels": all},
			Do:       e.train(false, "float.lr=0.01", "float.warmup=2"),
		})
	}
	if constant > 0 {
		found = append(found, Finding{
			Cause: ConstantChannel, Where: u.Name,
			Says:     fmt.Sprintf("%d of %s of layer %s, the first of them channel %d, gave one value for every image (%.4g): the weights are 0, or what they are multiplied by is; train again", constant, plural.Of(len(c.least), "channel"), u.Name, first, c.least[first]),
			Evidence: map[string]float64{"constant": float64(constant), "channels": all, "value": float64(c.least[first])},
			Do:       e.train(false),
		})
	}
	return found
}
