// SPDX-License-Identifier: Apache-2.0

// Package formats lets package images read WebP, BMP, TIFF and GIF files. A program imports it for that alone:
//
//	import _ "github.com/goqat/goqat/images/formats"
//
// Of an animation the first image is read, of a TIFF file the first page. Not read are, and errors say so: animated
// WebP; BMP with run lengths, 16 bits or the header of OS/2; TIFF with CMYK or YCbCr colours, with samples of other
// than 1, 8 or 16 bits or of floating point, in planes, or packed by JPEG or Zstandard; BigTIFF.
package formats

import (
	"errors"
	"fmt"

	"github.com/goqat/goqat/images"
)

func init() {
	for _, f := range []images.Format{webpFormat, bmpFormat, tiffFormat, gifFormat} {
		images.Register(f)
	}
}

// unsupported marks an error as one about a valid file.
func unsupported(err error) error { return fmt.Errorf("%w: %w", errors.ErrUnsupported, err) }
