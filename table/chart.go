// SPDX-License-Identifier: Apache-2.0

package table

import (
	"io"

	"github.com/goqat/goqat/chart"
)

// Chart writes a picture of the lines, as SVG: accuracy over the bytes of the model's
// file, with standard errors. Lines without a model are left out; the row float is a
// level that others reach or not.
func Chart(w io.Writer, lines []Line) error {
	models := chart.Points{Ink: chart.Blue}
	c := &chart.Chart{Title: "Accuracy on the test images, %, and standard error", X: chart.Axis{Label: "bytes of the model", Log: true}, Width: 720, Height: 460}
	for _, l := range lines {
		if l.Bytes == 0 {
			continue
		}
		models.Points = append(models.Points, chart.Point{X: float64(l.Bytes), Y: 100 * l.Mean})
		models.Errors = append(models.Errors, 100*l.StandardError)
		models.Names = append(models.Names, l.Name)
	}
	for _, l := range lines {
		if level := 100 * l.Mean; l.Name == Float && len(models.Points) > 0 {
			least, most := models.Points[0].X, models.Points[0].X
			for _, p := range models.Points {
				least, most = min(least, p.X), max(most, p.X)
			}
			c.Marks = append(c.Marks, chart.Line{Name: "float", Ink: chart.Muted, Dashed: true, Points: []chart.Point{{X: least, Y: level}, {X: most, Y: level}}})
		}
	}
	c.Marks = append(c.Marks, models)
	return c.Write(w)
}
