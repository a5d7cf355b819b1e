// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Write writes the chart as a picture of its own, with its title, on white.
func (c *Chart) Write(w io.Writer) error {
	svg, err := c.render(true)
	if err != nil {
		return err
	}
	width, height := c.size()
	start := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]v" height="%[2]v" viewBox="0 0 %[1]v %[2]v" font-family="Liberation Sans,Arial,Helvetica,sans-serif" role="img" aria-label="%[3]s">`+
		"\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", width, height, html.EscapeString(plain(c.Title)))
	_, err = io.WriteString(w, start+svg)
	return err
}

// Inline returns the chart as an element of an HTML page that declares the variables
// of CSS, without the title but as its name. It is as wide as what it is in.
func (c *Chart) Inline() (string, error) {
	svg, err := c.render(false)
	if err != nil {
		return "", err
	}
	width, height := c.size()
	start := fmt.Sprintf(`<svg viewBox="0 0 %v %v" role="img" aria-label="%s">`+"\n", width, height, html.EscapeString(plain(c.Title)))
	var pairs []string
	for k := range inks {
		pairs = append(pairs, strings.ToUpper(palette[k].light), k.Variable()) // as gonum writes it
	}
	return start + strings.NewReplacer(pairs...).Replace(svg), nil
}

func (c *Chart) size() (width, height float64) {
	return cmp.Or(c.Width, usualWidth), cmp.Or(c.Height, usualHeight)
}

// render draws the chart and returns it from its first element on. gonum panics on
// data that it cannot place; that is an error here.
func (c *Chart) render(title bool) (svg string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("chart: %s: %v", c.Title, p)
		}
	}()
	p, err := c.drawn()
	if err != nil {
		return "", err
	}
	width, height := c.size()
	canvas := vgsvg.NewWith(vgsvg.UseWH(vg.Length(width), vg.Length(height)))
	area := draw.Crop(draw.New(canvas), 2, -2, 2, -4)
	if title {
		style := textStyle(Muted)
		style.Font.Size, style.XAlign, style.YAlign = titleSize, draw.XLeft, draw.YTop
		area.FillText(style, vg.Point{X: area.Min.X, Y: area.Max.Y}, plain(c.Title))
		area = draw.Crop(area, 0, 0, 0, -2*titleSize)
	}
	p.Draw(c.drawLegend(area))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("chart: %s: %w", c.Title, err)
	}
	return compact(b.String()), nil
}

// titleSize is that of the title, in pixels.
const titleSize = 14

// drawLegend writes the names of the marks above the chart, in as many lines as they
// take, and returns what is left of the area.
func (c *Chart) drawLegend(area draw.Canvas) draw.Canvas {
	const line, sample, gap = 16, 14, 12
	style := textStyle(Muted)
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	x, y, lines := area.Min.X, area.Max.Y-line/2, 0
	for _, m := range c.Marks {
		name, thumbnail := m.legend()
		if name == "" {
			continue
		}
		name = plain(name)
		width := sample + 4 + style.Width(name)
		if lines == 0 || x+width > area.Max.X {
			x, lines = area.Min.X, lines+1
			y = area.Max.Y - vg.Length(lines)*line + line/2
		}
		thumb := draw.Canvas{Canvas: area.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: x, Y: y - 4}, Max: vg.Point{X: x + sample, Y: y + 4}}}
		thumbnail.Thumbnail(&thumb)
		area.FillText(style, vg.Point{X: x + sample + 4, Y: y}, name)
		x += width + gap
	}
	return draw.Crop(area, 0, 0, 0, -vg.Length(lines)*line-4)
}

// fonts are what gonum writes at every text; the element around all says it once.
var fonts = regexp.MustCompile(`font-family:[^;"]*;font-variant:normal;font-weight:normal;font-style:normal;`)

// compact leaves out the head that gonum writes, and what every text repeats.
func compact(svg string) string {
	_, body, _ := strings.Cut(svg, "<g ")
	return strings.ReplaceAll(fonts.ReplaceAllString("<g "+body, ""), "\n\tstyle", " style")
}

// plain makes one line of a text that may come from outside.
func plain(s string) string { return strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " ") }
