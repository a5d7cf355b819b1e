// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"context"

	"github.com/goqat/goqat/ptq"
)

// Sensitivity measures what quantizing each layer of a float checkpoint alone costs, at
// each of some widths, 2 to 8 bits, on so many validation images, 0 for all. Measurements are
// written to the file out as they are made, and those that it has are not made again; "" keeps none. It is an error where
// OpenSession and Session.Width fail.
func Sensitivity(ctx context.Context, path string, s Settings, bits []int, images int, out string) ([]ptq.Sensitivity, error) {
	m, err := OpenSession(ctx, path, s, images, out)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	var list []ptq.Sensitivity
	for _, b := range bits {
		measured, err := m.Width(ctx, b, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, measured...)
	}
	return list, nil
}
