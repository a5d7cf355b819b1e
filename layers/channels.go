// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"cmp"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

// Slice passes on some of the channels: Channels of them, from First on.
type Slice struct {
	Name     string // default: slice1, slice2, …
	First    int
	Channels int // default: all from First on
}

// Trace implements [Module].
func (s Slice) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	name, channels := t.Name(s.Name, "slice"), cmp.Or(s.Channels, x.Channels-s.First)
	if s.First < 0 || channels < 1 || s.First+channels > x.Channels {
		t.Errorf("layers: %s takes channels %d to %d of %s", name, s.First, s.First+channels-1, x.Shape())
		return x
	}
	return t.Add(network.Operator{Name: name, Kind: network.Selection, First: s.First, Shuffle: 1}, x.Height, x.Width, channels, x)
}

// Shuffle changes the order of the channels, of which there are Groups groups: the first
// of each group come first, then the second of each (Zhang et al. 2018, "ShuffleNet").
type Shuffle struct {
	Name   string // default: shuffle1, shuffle2, …
	Groups int
}

// Trace implements [Module].
func (s Shuffle) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	name := t.Name(s.Name, "shuffle")
	if s.Groups < 1 || x.Channels%s.Groups != 0 {
		t.Errorf("layers: %s shuffles %s in %d groups", name, x.Shape(), s.Groups)
		return x
	}
	return t.Add(network.Operator{Name: name, Kind: network.Selection, Shuffle: s.Groups}, x.Height, x.Width, x.Channels, x)
}

func emitSelection(n *Network, u *Unit) *graph.Node {
	channels := make([]int, u.Output.Channels)
	for c := range channels {
		channels[c] = u.Selects(c)
	}
	return n.Graph.Select(u.Name, u.Input().node, channels)
}
