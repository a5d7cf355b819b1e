// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
)

// imagesOf returns the images of the command line and of the list of --files.
func imagesOf(c *cobra.Command, paths []string, list string) ([]string, error) {
	if list != "" {
		in := c.InOrStdin()
		if list != classify.Stdin {
			f, err := os.Open(list)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			in = f
		}
		more, err := classify.ReadList(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", list, err)
		}
		if paths = append(paths[:len(paths):len(paths)], more...); len(paths) == 0 {
			return nil, fmt.Errorf("%s names no images", list)
		}
	}
	if len(paths) == 0 {
		return nil, command.Wrong(c, "name images, or a list of them with --files")
	}
	return classify.Images(paths, func(sentence string) { fmt.Fprintln(c.ErrOrStderr(), "note: "+sentence) })
}

// A recording is what was added to a file of answers.
type recording struct {
	File   string `json:"file"`
	Before int    `json:"before"` // images that it had
	Images int    `json:"images"` // that were added
	Failed int    `json:"failed"` // without classes, of those added or, of a whole .parquet, of all
}

// recordClasses adds the answers of images to a file.
func recordClasses(c *cobra.Command, m *infer.Model, model string, paths []string, o classify.Options, out string) error {
	sum, err := evaluate.Sum(model)
	if err != nil {
		return err
	}
	r, err := classify.OpenRecord(out, sum[:16], min(o.Top, len(m.Classes())))
	if other := (*classify.OtherTopError)(nil); errors.As(err, &other) {
		return command.Wrong(c, "%w (--top %d)", err, other.Has)
	} else if err != nil {
		return err
	}
	o.Skip = r.Has
	screen := command.Screen(c)
	err = classify.Each(c.Context(), m, paths, o, func(answers []classify.Answer) error {
		if err := r.Add(answers); err != nil {
			return err
		}
		screen.Count("images", r.Written, len(paths))
		return nil
	})
	screen.Stop()
	if err == nil {
		err = r.Finish()
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	done := recording{File: out, Before: r.Known(), Images: r.Written, Failed: r.Failed}
	if err := command.Result(c, done, func(p *term.Page) {
		p.Printf("%s: %s added to %d\n", done.File, plural.Of(done.Images, "image"), done.Before)
	}); err != nil {
		return err
	}
	if done.Failed > 0 {
		return fmt.Errorf("no classes of %d of %s, see error in %s", done.Failed, plural.Of(done.Before+done.Images, "image"), out)
	}
	return nil
}
