// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
)

// classifyFiles returns the answers of images, and shows of how many it has them.
func classifyFiles(c *cobra.Command, m *infer.Model, paths []string, o classify.Options) ([]classify.Answer, error) {
	screen := command.Screen(c)
	defer screen.Stop()
	answers := []classify.Answer{}
	files := 0
	err := classify.Each(c.Context(), m, paths, o, func(list []classify.Answer) error {
		answers = append(answers, list...)
		if files++; len(paths) > 1 {
			screen.Count("files", min(files, len(paths)), len(paths)) // an archive has several
		}
		return nil
	})
	return answers, err
}

// showClasses writes the classes of the images, and the errors of those that have none.
func showClasses(c *cobra.Command, answers []classify.Answer) error {
	if turned := classify.Turned(answers); turned > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "note: turned upright, by the orientation noted in the file: %d of %s\n", turned, plural.Of(len(answers), "image"))
	}
	if len(answers) == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "note: no image is of this part")
	}
	failed := classify.Errors(answers)
	if command.AsJSON(c) || len(failed) < len(answers) {
		if err := command.Result(c, answers, func(p *term.Page) { printClasses(p, answers) }); err != nil {
			return err
		}
	}
	if len(failed) < 2 {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		fmt.Fprintln(c.ErrOrStderr(), term.OneLine(err))
	}
	return fmt.Errorf("%d of %s have no classes, see above", len(failed), plural.Of(len(answers), "image"))
}

// printClasses writes the classes of the images for people.
func printClasses(p *term.Page, answers []classify.Answer) {
	lines, left := classify.Lines(answers, p.Rows)
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, []string{l.Image, l.Class, term.Percent(&l.Probability)})
	}
	p.Table([]string{"image", "class", "probability"}, rows)
	if left > 0 {
		p.Printf("and %d more; what is piped, as to less, is whole\n", left)
	}
}
