// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/train"
)

// printSummary writes the outcome of a training for people; skipBroken says that its data has files that cannot be read.
func printSummary(p *term.Page, s *pipeline.Summary, skipBroken bool) {
	model := s.Model
	if s.Width != 1 {
		model = fmt.Sprintf("%s ×%v", s.Model, s.Width)
	}
	p.Printf("%s, %s, %d-bit weights, %d-bit activations, %s, %s\n\n", model, s.Method, s.WeightBits, s.ActivationBits, s.Data, plural.Of(s.TestImages, "test image"))
	a, size, rate := s.Accuracy, s.SizeBytes, s.TrainImagesPerSecond
	var rows [][]string
	row := func(name string, accuracy *float64, size, rate string) {
		if accuracy != nil {
			rows = append(rows, []string{name, accuracyOn(accuracy, s.TestImages), size, rate})
		}
	}
	row("float", a.Float, term.Bytes(int64(size.Float)), perSecond(rate.Float)+" trained")
	row("fake-quantized", a.Fakequant, "-", perSecond(rate.QAT)+" trained")
	row("integer", a.Integer, term.Bytes(size.Integer), perSecond(s.RunImagesPerSecond)+" run")
	p.Table([]string{"network", "accuracy", "size", "images/s"}, rows)
	p.Printf("\n")
	switch {
	case s.Verify != nil:
		printVerification(p, *s.Verify)
	case a.Fakequant == nil:
		p.Printf("there is no integer model, because the quantized phase was left out (qat.epochs: 0)\n")
	default:
		p.Printf("there is no integer model, because export refuses the network (see the note before the first epoch)\n")
	}
	p.Printf("\n%.0f s, run folder %s\n", s.Seconds.Total, s.Folder)
	printNext(p, s, skipBroken)
}

// perSecond writes a rate, "-" for none.
func perSecond(images float64) string {
	if images == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", images)
}

// accuracyOn writes an accuracy on so many images, "-" for none.
func accuracyOn(accuracy *float64, images int) string {
	if accuracy == nil {
		return "-"
	}
	return train.Measured(*accuracy, images)
}
