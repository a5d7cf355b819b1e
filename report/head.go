// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/shell"
	"github.com/goqat/goqat/train"
)

// title says what the page is about.
func (s *Subject) title(d *describe.Description) (title, subtitle string) {
	if s.Record == nil {
		return short(d.Model), fmt.Sprintf("%s, an integer model of version %d, images of %s, %s", short(d.Method), d.Version, dimensions(d.Input[:]), plural.Of(len(d.Classes), "class"))
	}
	r := s.Record.Recipe
	title = r.Model.Name
	if r.Model.Width != 1 && len(r.Model.Layers) == 0 {
		title = fmt.Sprintf("%s ×%v", title, r.Model.Width)
	}
	subtitle = fmt.Sprintf("%s, seed %d", r.Data.Name, r.Seed)
	if r.QAT.Epochs > 0 {
		subtitle = fmt.Sprintf("%s, %d-bit weights, %d-bit activations, %s", r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits, subtitle)
	}
	return short(title), subtitle
}

// An accuracy is that of one network, in percent.
type accuracy struct {
	Network, Images, Accuracy string
}

// accuracies are those of the run's networks, else those of the evidence.
func (s *Subject) accuracies() (list []accuracy) {
	add := func(network string, value *float64, images int) {
		if value != nil {
			list = append(list, accuracy{network, fmt.Sprint(images), train.Measured(*value, images)})
		}
	}
	if s.Record != nil && s.Record.Summary != nil {
		sum := s.Record.Summary
		add("float", sum.Accuracy.Float, sum.TestImages)
		add("fake-quantized", sum.Accuracy.Fakequant, sum.TestImages)
		add("integer", sum.Accuracy.Integer, sum.TestImages)
		if sum.Accuracy.Fakequant != nil {
			add("fake-quantized, validation images", &sum.Accuracy.Validation, sum.ValidationImages)
		}
		return list
	}
	if r := s.result(); r != nil {
		network := "integer"
		if s.Model == nil {
			network = "float"
			if s.Evidence.Quantized {
				network = "fake-quantized"
			}
		}
		add(network, &r.Accuracy, r.Images)
	}
	return list
}

// result is what was made of the test images, nil without them.
func (s *Subject) result() *train.Result {
	if s.Evidence == nil || s.Evidence.Result.Images == 0 {
		return nil
	}
	return &s.Evidence.Result
}

// facts are the numbers that most look for.
func (s *Subject) facts(d *describe.Description, accuracies []accuracy) (list []fact) {
	for _, a := range accuracies {
		if a.Network != "integer" && (s.Model != nil || len(list) > 0) {
			continue
		}
		list = append(list, fact{"accuracy, " + a.Network, a.Accuracy, a.Images + " test images"})
	}
	if s.Record != nil && s.Record.Summary != nil {
		sum := s.Record.Summary
		if v := sum.Verify; v != nil {
			list = append(list, fact{"integers that differ", fmt.Sprint(v.IntegerMismatches), "training graph and runtime, " + plural.Of(v.Images, "image")})
		}
		list = append(list, fact{"training", duration(sum.Seconds.Total), "both phases, export and proof"})
	}
	if s.Model != nil {
		list = append(list, fact{"file", size(s.Bytes), "activations " + size(int64(d.ArenaBytes))})
	}
	if d != nil && d.EnergyUJ > 0 {
		list = append(list, fact{"energy, estimated", fmt.Sprintf("%.3g µJ", d.EnergyUJ), fmt.Sprintf("an image; in float32 %.3g µJ", d.Float32UJ)})
	}
	return list
}

// An agreement is the proof that graph and runtime compute the same.
type agreement struct {
	Images, Tensors int
	Mismatches      int64
	Differ          string // how many integers do, in words
	Top, Differing  string
	Steps           int
}

func (s *Subject) agreement() *agreement {
	if s.Record == nil || s.Record.Summary == nil || s.Record.Summary.Verify == nil {
		return nil
	}
	v := s.Record.Summary.Verify
	return &agreement{v.Images, v.Tensors, v.IntegerMismatches, plural.Do(int(v.IntegerMismatches), "integer", "differ"), percent(v.FakequantTop1Agreement), fmt.Sprintf("%.2g %%", 100*v.FakequantDiffering), v.FakequantMaxSteps}
}

// A repeat says how the run is made again.
type repeat struct {
	Command, Resume, Version, Recipe string
	Needs                            []string // files that the recipe names
}

func (s *Subject) repeat() *repeat {
	if s.Record == nil {
		return nil
	}
	r := s.Record.Recipe
	folder := filepath.Clean(s.Record.Folder)
	p := &repeat{
		Command: fmt.Sprintf("qat train %s --out %s", shell.Word(filepath.Join(folder, "config.yaml")), shell.Word(folder+"-again")),
		Version: r.Version, Recipe: string(r.YAML()),
	}
	if s.Record.Summary == nil {
		p.Resume = "qat train --resume " + shell.Word(folder)
	}
	for _, file := range []string{r.Init, r.Teacher.Checkpoint} {
		if file != "" {
			p.Needs = append(p.Needs, file)
		}
	}
	return p
}

// percent writes a fraction.
func percent(fraction float64) string { return fmt.Sprintf("%.2f %%", 100*fraction) }

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// duration writes seconds in the unit that fits.
func duration(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}

// dimensions writes 28×28×1.
func dimensions(shape []int) string {
	words := make([]string, len(shape))
	for i, n := range shape {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, "×")
}
