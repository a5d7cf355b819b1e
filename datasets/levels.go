// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/internal/plural"
)

// fewLevels is how many of the 256 levels of 8 bits are so few that a file of 16 bits told much more: two bits of eight
// are lost.
const fewLevels = 64

// Levels are the values of images of 16 bits a channel, after they are rounded to 8.
type levels struct {
	Files     int
	Low, High uint8
}

func (l *levels) add(m images.Image) {
	low, high := slices.Min(m.Pixels), slices.Max(m.Pixels)
	if l.Files++; l.Files == 1 {
		l.Low, l.High = low, high
	}
	l.Low, l.High = min(l.Low, low), max(l.High, high)
}

// say tells of images of 16 bits that use few of their levels, as those of cameras and scanners do that fill 10 or 12
// bits.
func (l *levels) say(note func(string)) {
	if span := int(l.High) - int(l.Low) + 1; l.Files > 0 && span <= fewLevels {
		note(fmt.Sprintf("%s of 16 bits a channel: rounded to 8 bits, only %d of 256 levels are left (%d to %d); stretch their values over all 16 bits to keep more",
			plural.Of(l.Files, "image"), span, l.Low, l.High))
	}
}
