// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"
	"math"
	"slices"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// Equalize brings the channels of a tensor between two weighted layers nearer to one
// range: channel c is divided by s[c] where it is made and its weights in the layer
// that reads it are multiplied by s[c], which a ReLU or a pooling between passes on
// (Nagel et al. 2019, arXiv:1906.04721, section 4.1). It returns the number of
// tensors changed. The float network computes what it did, up to rounding.
//
// The paper takes r1 from the weights of the first layer. Here these have a scale for
// each channel, and the tensor has one for all; so r1[c] is the range of the channel
// itself over the images, r2[c] the greatest weight that reads it, and
//
//	s[c] = √(r1[c]/r2[c]), over the geometric mean of all channels.
//
// A depthwise layer has a scale for each channel, too, and s[c] is r1[c]. A channel
// that is 0 throughout, or read by no weight, stays.
//
// Where the weights of a layer share one scale and batch normalization follows, its
// channels come to one range as well: the normalization takes back any factor. It is an error if the network cannot be
// evaluated, or ctx ends.
func Equalize(ctx context.Context, n *layers.Network, images datasets.Split, progress func(done int)) (int, error) {
	var pairs []pair
	for _, u := range n.Units {
		if p, ok := pairOf(n, u); ok {
			p.most = make([]float64, u.Channels)
			pairs = append(pairs, p)
		}
	}
	if len(pairs) == 0 {
		return evenChannels(n), nil
	}
	err := forward(ctx, n, images, graph.Pass{}, progress, func(t graph.Site, _ int) {
		for _, p := range pairs {
			if t.Name == p.first.Output.Name {
				for i, v := range t.Y {
					c := i % len(p.most)
					p.most[c] = max(p.most[c], math.Abs(float64(v)))
				}
			}
		}
	})
	if err != nil {
		return 0, err
	}
	// A pair whose first layer is the second of another changes its weights by
	// channel of the output, and the other by channel of the input: both hold.
	for _, p := range pairs {
		p.equalize()
	}
	return len(pairs) + evenChannels(n), nil
}

// evenChannels multiplies the weights of each channel by what takes them to the range
// of the layer, in the layers whose weights share one scale and are normalized, and
// returns how many these are.
func evenChannels(n *layers.Network) (changed int) {
	for _, u := range weighted(n) {
		q, ok := u.Quantizer.(qat.Scaled)
		if !ok || len(q.Scales()) > 1 || u.Norm == nil || u.Channels == 1 {
			continue
		}
		changed++
		size, w := len(u.Weight.Value)/u.Channels, u.Weight.Value
		most := greatest(w)
		for c := range u.Channels {
			channel := w[c*size : (c+1)*size]
			own := greatest(channel)
			if own == 0 {
				continue
			}
			k := float64(most) / float64(own)
			for i := range channel {
				channel[i] = float32(k * float64(channel[i]))
			}
			sigma := u.Norm.Sigma(c)
			u.Norm.Mean[c] = float32(k * float64(u.Norm.Mean[c]))
			u.Norm.Variance[c] = float32(k * k * float64(u.Norm.Variance[c]))
			u.Norm.Gamma.Value[c] = float32(float64(u.Norm.Gamma.Value[c]) * u.Norm.Sigma(c) / (k * sigma))
		}
	}
	return changed
}

// greatest returns the greatest magnitude.
func greatest(w []float32) (most float32) {
	for _, v := range w {
		most = max(most, -v, v)
	}
	return most
}

// A pair is two weighted layers with one tensor between that nobody else reads.
type pair struct {
	first, second *layers.Unit
	most          []float64 // magnitude of each channel of the tensor
}

// pairOf returns the pair whose first layer is u.
func pairOf(n *layers.Network, u *layers.Unit) (pair, bool) {
	if !u.Kind.Weighted() || u.Output.Sums || len(u.Inputs) > 1 || u.Activation == network.ReLU6 {
		return pair{}, false
	}
	t := u.Output
	for {
		readers := slices.DeleteFunc(slices.Clone(n.Units), func(r *layers.Unit) bool { return !slices.Contains(r.Inputs, t) })
		if len(readers) != 1 {
			return pair{}, false
		}
		switch r := readers[0]; {
		case r.Kind.Weighted():
			whole := max(1, r.Window.Groups) == 1 && t.Channels == u.Channels
			return pair{first: u, second: r}, r.Input() == t && !slices.Contains(r.Added(), t) && (whole || depthwise(r))
		case r.Kind.Keeps() && r.Output.Channels == t.Channels:
			t = r.Output
		default:
			return pair{}, false
		}
	}
}

// depthwise says whether each channel of the unit's output reads one of its input.
func depthwise(u *layers.Unit) bool {
	return u.Window.Groups == u.Channels && u.Input().Channels == u.Channels
}

func (p pair) equalize() {
	s := p.factors()
	first, second := p.first, p.second
	size := len(first.Weight.Value) / first.Channels
	for c, k := range s {
		if first.Norm != nil {
			first.Norm.Gamma.Value[c] /= k
			first.Norm.Beta.Value[c] /= k
			continue
		}
		for i := range size {
			first.Weight.Value[c*size+i] /= k
		}
		if first.Bias != nil {
			first.Bias.Value[c] /= k
		}
	}
	w := second.Weight.Value
	if depthwise(second) {
		size := len(w) / second.Channels
		for i := range w {
			w[i] *= s[i/size]
		}
		return
	}
	for i := range w {
		w[i] *= s[i%len(s)]
	}
}

// factors returns s.
func (p pair) factors() []float32 {
	reads := make([]float64, len(p.most))
	w := p.second.Weight.Value
	for i, v := range w {
		c := i % len(reads)
		if depthwise(p.second) {
			c = i / (len(w) / p.second.Channels)
		}
		reads[c] = max(reads[c], math.Abs(float64(v)))
	}
	s, logs, count := make([]float64, len(p.most)), 0.0, 0.0
	for c, r1 := range p.most {
		if r1 == 0 || reads[c] == 0 {
			continue
		}
		s[c] = math.Sqrt(r1 / reads[c])
		if depthwise(p.second) {
			s[c] = r1
		}
		logs += math.Log(s[c])
		count++
	}
	factors := make([]float32, len(s))
	for c, k := range s {
		factors[c] = 1
		if k > 0 {
			factors[c] = float32(k / math.Exp(logs/count))
		}
	}
	return factors
}
