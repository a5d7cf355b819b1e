// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/export/formats"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// rangeImages is how many training images tell the ranges of what a format must quantize that goqat does not.
const rangeImages = 500

// exportModel writes a .qmodel in another format, and what is stated of it.
func exportModel(c *cobra.Command, f formats.Format, path string, o formats.Options, data dataFlags) error {
	m, digest, err := artifact.Read(path)
	if err != nil {
		return err
	}
	o.Digest = digest
	s := command.Screen(c)
	defer s.Stop()
	if data.name != "" {
		o.Images = func() ([]byte, error) {
			images, err := data.images(c, s).Training(c.Context(), pipeline.TargetOfFile(m))
			if err != nil {
				return nil, err
			}
			return images.Head(rangeImages).Pixels()
		}
	}
	e, refused := f.Write(m, o)
	s.Stop()
	if e != nil {
		if err := command.Result(c, e, func(p *term.Page) { printExported(p, e) }); err != nil {
			return err
		}
	}
	if refused != nil {
		return fmt.Errorf("%s: %w", path, refused)
	}
	return nil
}

// printExported writes the outcome for people.
func printExported(p *term.Page, e *formats.Exported) {
	for _, f := range e.Files {
		p.Printf("%s, %s\n", f.Path, term.Bytes(int64(f.Bytes)))
	}
	var rows [][]string
	for _, s := range e.Operators {
		rows = append(rows, []string{s.Operator, s.Op, string(s.Agreement), s.Note})
	}
	p.Table([]string{"layer", "operator", "agrees", ""}, rows)
}
