// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/fileio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/goqat/goqat/images"
	_ "github.com/goqat/goqat/images/formats" // WebP, BMP, TIFF and GIF beside PNG and JPEG
	"github.com/goqat/goqat/infer"
)

func init() {
	register.DoFn3x1[context.Context, fileio.ReadableFile, func(Answer), error](&classifier{})
	register.Emitter1[Answer]()
	register.Function1x1(line)
}

// An Answer is the class of an image, or why it has none.
type Answer struct{ Image, Class, Error string }

// Classify returns the answers for the images that a pattern matches, of which there must be one.
func Classify(s beam.Scope, model, pattern string) beam.PCollection {
	s = s.Scope("Classify")
	files := fileio.ReadMatches(s, fileio.MatchFiles(s, pattern, fileio.MatchEmptyDisallow()))
	return beam.ParDo(s, &classifier{Model: model}, beam.Reshuffle(s, files))
}

// Lines returns answers as text: the image, a tab and the class.
func Lines(s beam.Scope, answers beam.PCollection) beam.PCollection {
	return beam.ParDo(s, line, answers)
}

func line(a Answer) string {
	if a.Error != "" {
		return fmt.Sprintf("%s\t-\t%s", a.Image, a.Error)
	}
	return a.Image + "\t" + a.Class
}

// A classifier opens the model when a worker sets it up; Beam calls it from one goroutine at a time.
type classifier struct {
	Model string // its path

	model *infer.Model
}

// Setup opens the model.
func (c *classifier) Setup(context.Context) (err error) {
	c.model, err = infer.Open(c.Model)
	return err
}

// ProcessElement classifies an image. One that cannot be read does not end the pipeline.
func (c *classifier) ProcessElement(ctx context.Context, file fileio.ReadableFile, emit func(Answer)) error {
	data, err := file.Read(ctx)
	if err != nil {
		return err // of the file system: Beam tries again
	}
	a := Answer{Image: filepath.ToSlash(file.Metadata.Path)}
	if a.Class, err = c.classify(data); err != nil {
		a.Error = err.Error()
	}
	emit(a)
	return nil
}

// limits bound an image that anybody may have put into the folder.
var limits = images.Limits{Pixels: images.MaxPixels, Bytes: 64 << 20}

// classify returns the class of an image, prepared as in the training.
func (c *classifier) classify(data []byte) (string, error) {
	image, _, err := limits.Read(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	in := c.model.Input()
	return c.model.Classify(image.Fit(images.Rule(c.model.Data().Resize), in.Height, in.Width, in.Channels).Pixels)
}
