// SPDX-License-Identifier: Apache-2.0

// Package images decodes PNG and JPEG files into arrays of bytes of a wanted size and colour, in integer arithmetic
// only. A program that imports images/formats, too, reads WebP, BMP, TIFF and GIF files.
//
// Training and the integer runtime prepare their input with this one code, so that both see the same bytes. Every value
// is rounded once, from an exact integer sum, and does not depend on the processor. What a JPEG decodes to is up to the
// standard library of the Go version in use.
//
// The rules: pixels are 8 bits a channel, rows from the top, channels last (HWC), with no regard to gamma or colour
// profiles; 16 bits are rounded to 8; a transparent pixel lies on white; an image is turned upright by the orientation
// noted in its file; one of another aspect ratio is stretched, cropped or padded (see Image.Fit); of an animation the
// first image counts; the inks of a JPEG (CMYK, YCCK) are inverted, as Adobe stores them.
package images
