// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"context"
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ptq"
)

// Sensitivity measures what quantizing each layer of a float checkpoint alone costs, at
// each of some widths, 2 to 8 bits, on so many validation images, 0 for all. Measurements are
// written to the file out as they are made, and those that it has are not made again; "" keeps none.
func Sensitivity(ctx context.Context, path string, s Settings, bits []int, images int, out string) ([]ptq.Sensitivity, error) {
	r, err := openRecord(out, path, &s, images)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var list []ptq.Sensitivity
	for _, b := range bits {
		s.WeightBits, s.ActivationBits, s.FirstLast = b, b, "same"
		measured, err := width(ctx, path, &s, images, r)
		if err != nil {
			return nil, err
		}
		list = append(list, measured...)
	}
	return list, nil
}

// width measures every layer at one width.
func width(ctx context.Context, path string, s *Settings, images int, r *record) ([]ptq.Sensitivity, error) {
	n, err := Open(ctx, path, s)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	validation, net := n.Images.Validation, n.Restored.Network
	if images > 0 {
		validation = validation.Head(images)
	}
	want, err := ptq.Logits(ctx, net, validation, graph.Pass{})
	if err != nil {
		return nil, err
	}
	if _, _, err := n.Quantize(ctx); err != nil {
		return nil, err
	}
	list := ptq.Layers(net)
	for i, l := range list {
		if known, ok := r.find(l); ok {
			list[i] = known
		} else if list[i], err = ptq.Measure(ctx, net, validation, l, want); err != nil {
			return nil, err
		} else if err := r.add(list[i]); err != nil {
			return nil, err
		}
		n.tell(fmt.Sprintf("%d bits", s.WeightBits), i+1, len(list))
	}
	return list, nil
}
