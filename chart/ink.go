// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg/draw"
)

// An Ink is a colour of charts, which is another one on a dark page.
type Ink int

// The inks of marks. Neighbours differ in lightness, too, for those who see few colours.
const (
	Blue Ink = iota
	Orange
	Green
	Purple
	Red
	Gray  // of what lies under the others
	Muted // of text and axes
	faint // of the grid
	inks
)

// palette are the colours by ink, on a light and on a dark page.
var palette = [inks]struct{ name, light, dark string }{
	Blue:   {"blue", "#1f5fa8", "#7db4f0"},
	Orange: {"orange", "#c4560f", "#f0a066"},
	Green:  {"green", "#2c7a4b", "#74c997"},
	Purple: {"purple", "#7b4aa8", "#c3a0ea"},
	Red:    {"red", "#b3262b", "#f28b85"},
	Gray:   {"gray", "#b9c3cf", "#56616e"},
	Muted:  {"muted", "#55606d", "#a9b4c0"},
	faint:  {"faint", "#e3e7ec", "#333b44"},
}

// RGBA implements color.Color by the colour on a light page.
func (k Ink) RGBA() (r, g, b, a uint32) {
	var c color.RGBA
	fmt.Sscanf(palette[k].light, "#%02x%02x%02x", &c.R, &c.G, &c.B)
	c.A = 255
	return c.RGBA()
}

// Variable is the CSS variable that holds the ink where a chart is part of a page.
func (k Ink) Variable() string { return "var(--" + palette[k].name + ")" }

// CSS declares the variables of all inks, for a light or a dark page.
func CSS(dark bool) string {
	var b strings.Builder
	for _, c := range palette {
		value := c.light
		if dark {
			value = c.dark
		}
		fmt.Fprintf(&b, "--%s:%s;", c.name, value)
	}
	return b.String()
}

// textSize is that of numbers and labels, in pixels.
const textSize = 11

// text is the style of text in a chart.
func textStyle(k Ink) text.Style {
	return text.Style{
		Color: k, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: textSize}, Handler: handler,
		XAlign: draw.XCenter, YAlign: draw.YBottom,
	}
}

// handler measures text, with the metrics of Arial and Helvetica.
var handler = text.Plain{Fonts: font.DefaultCache}
