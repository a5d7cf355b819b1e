// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"

	"github.com/goqat/goqat/network"
)

// checkSize says whether a network is too large to begin building: parameters and
// results alone beyond Memory, or of other sizes than Sizes. Nothing has been allocated
// yet, and the numbers may be far beyond any integer. The graph, which knows what
// shares memory, compares its training with Memory before it allocates the results.
func (c *Config) checkSize(n *network.Network) error {
	parameters, values := 0.0, float64(n.Image.Height)*float64(n.Image.Width)*float64(n.Image.Channels)
	for _, o := range n.Operators {
		values += float64(o.Output.Height) * float64(o.Output.Width) * float64(o.Output.Channels)
		if !o.Kind.Weighted() {
			continue
		}
		weights := float64(o.Output.Channels) * float64(max(1, o.Window.Kernel[0])) * float64(max(1, o.Window.Kernel[1])) * float64(o.Input().Channels/max(1, o.Window.Groups))
		if size, known := c.Sizes[o.Name+".weight"]; c.Sizes != nil && (!known || float64(size) != weights) {
			return fmt.Errorf("layers: %s has %.0f weights, the file %d", o.Name, weights, size)
		}
		parameters += weights
	}
	// A value and a gradient of each parameter, and the results of all layers.
	bytes := 4 * (2*parameters + values*float64(c.Batch))
	const mostParameters = 1 << 31
	const advice = "make the network narrower, its images or its batches smaller"
	switch {
	case parameters > mostParameters:
		return fmt.Errorf("layers: %.3g parameters, more than %d; %s", parameters, int64(mostParameters), advice)
	case c.Memory > 0 && bytes > float64(c.Memory):
		return fmt.Errorf("layers: %.3g parameters and %.3g numbers an image take at least %.1f GiB for batches of %d, and there are %.1f GiB; %s",
			parameters, values, bytes/(1<<30), c.Batch, float64(c.Memory)/(1<<30), advice)
	}
	return nil
}
