// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
)

// Means are the means of each channel's sums over some images, by the name of the layer.
type Means map[string][]float64

// FloatMeans returns those of a network as it stands, its quantizers off. It is an error if the network cannot be evaluated, or
// ctx ends.
func FloatMeans(ctx context.Context, n *layers.Network, images datasets.Split) (Means, error) {
	stats, err := channelMoments(ctx, n, images, graph.Pass{}, weighted(n))
	means := Means{}
	for name, s := range stats {
		means[name] = s.mean()
	}
	return means, err
}

// CorrectBias moves the bias of every weighted layer, or the shift of its batch
// normalization, so that the mean of each channel's sums over the images is what the
// float network has, before its weights are rounded (Nagel et al. 2019,
// arXiv:1906.04721, section 4.2, by data). Layers are corrected in the order of
// execution, each with those before it corrected. Images need no labels. It is an error if the network cannot be evaluated, or
// ctx ends.
func CorrectBias(ctx context.Context, n *layers.Network, images datasets.Split, float Means, progress func(done, all int)) error {
	return inOrder(ctx, n, images, weighted(n), progress, func(u *layers.Unit, quantized channelStats) {
		for c, want := range float[u.Name] {
			d := want - quantized.mean()[c]
			switch {
			case u.Norm != nil:
				u.Norm.Beta.Value[c] += float32(u.Norm.Gain(c) * d)
			case u.Bias != nil:
				u.Bias.Value[c] += float32(d)
			}
		}
	})
}

// weighted returns the weighted units of a network.
func weighted(n *layers.Network) (units []*layers.Unit) {
	for _, u := range n.Units {
		if u.Kind.Weighted() {
			units = append(units, u)
		}
	}
	return units
}

// inOrder calls change for some units, in the order of execution, with the statistics of their
// sums in the quantized network as changed so far.
func inOrder(ctx context.Context, n *layers.Network, images datasets.Split, units []*layers.Unit, progress func(done, all int), change func(*layers.Unit, channelStats)) error {
	for i, u := range units {
		s, err := channelMoments(ctx, n, images, graph.Pass{Quantize: true}, units[i:i+1])
		if err != nil {
			return err
		}
		change(u, s[u.Name])
		if progress != nil {
			progress(i+1, len(units))
		}
	}
	return nil
}

// channelStats are sums over the values of each channel.
type channelStats struct {
	count        float64
	sum, squares []float64
}

func (s channelStats) mean() []float64 {
	mean := make([]float64, len(s.sum))
	for c := range mean {
		mean[c] = s.sum[c] / s.count
	}
	return mean
}

// variance returns the unbiased variance of a channel.
func (s channelStats) variance(c int) float64 {
	mean := s.sum[c] / s.count
	return max(0, s.squares[c]/s.count-mean*mean) * s.count / max(1, s.count-1)
}

// channelMoments returns the statistics of the sums of some units, or of what they normalize, by
// name.
func channelMoments(ctx context.Context, n *layers.Network, images datasets.Split, p graph.Pass, units []*layers.Unit) (map[string]channelStats, error) {
	stats, of := map[string]channelStats{}, map[string]*layers.Unit{}
	for _, u := range units {
		of[sums(u)] = u
		stats[u.Name] = channelStats{sum: make([]float64, u.Output.Channels), squares: make([]float64, u.Output.Channels)}
	}
	err := forward(ctx, n, images, p, nil, func(t graph.Site, _ int) {
		u := of[t.Name]
		if u == nil {
			return
		}
		s := stats[u.Name]
		channels := len(s.sum)
		s.count += float64(len(t.Y) / channels)
		for at := 0; at < len(t.Y); at += channels {
			for c, v := range t.Y[at : at+channels] {
				s.sum[c] += float64(v)
				s.squares[c] += float64(float64(v) * float64(v))
			}
		}
		stats[u.Name] = s
	})
	return stats, err
}
