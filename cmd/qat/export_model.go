// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/train"
)

// exported is the outcome of `qat export --format`.
type exported struct {
	Format    string                `json:"format"`
	Files     []exportedFile        `json:"files"` // empty where the format has no form of an operator
	Operators []agreement.Statement `json:"operators"`
}

type exportedFile struct {
	Path  string `json:"path"`
	Bytes int    `json:"bytes"`
}

// rangeImages is how many training images tell the ranges of what a format must quantize that goqat does not.
const rangeImages = 500

// exportModel writes a .qmodel in another format, and what is stated of it.
func exportModel(c *cobra.Command, f *format, path string, o formatOptions, data dataFlags, asJSON bool) error {
	m, digest, err := readQModel(path)
	if err != nil {
		return err
	}
	o.digest = digest
	if data.name != "" {
		o.images = func() ([]byte, error) {
			set, err := data.openSet(c, nil, target{m.Input.Height, m.Input.Width, m.Input.Channels, m.Classes, m.Data})
			if err != nil {
				return nil, err
			}
			images := set.Train
			if images.Len() == 0 { // a folder without parts
				images = set.Test
			}
			return images.Head(rangeImages).Images, nil
		}
	}
	artifacts, statements, refused := f.write(m, o)
	if refused != nil && statements == nil {
		return fmt.Errorf("%s: %w", path, refused)
	}
	e := exported{Format: f.name, Files: []exportedFile{}, Operators: statements}
	for _, a := range artifacts {
		err := train.WriteFile(a.path, func(w *os.File) error {
			_, err := w.Write(a.content)
			return err
		})
		if err != nil {
			return err
		}
		e.Files = append(e.Files, exportedFile{a.path, len(a.content)})
	}
	if asJSON {
		err = printJSON(c.OutOrStdout(), e)
	} else {
		err = e.print(c)
	}
	if err == nil && refused != nil {
		err = fmt.Errorf("%s: %w", path, refused)
	}
	return err
}

// print writes the outcome for people.
func (e *exported) print(c *cobra.Command) error {
	w := c.OutOrStdout()
	for _, f := range e.Files {
		if err := printf(w, "%s, %s\n", f.Path, byteSize(int64(f.Bytes))); err != nil {
			return err
		}
	}
	var rows [][]string
	for _, s := range e.Operators {
		rows = append(rows, []string{s.Operator, s.Op, string(s.Agreement), s.Note})
	}
	return term.Table(w, []string{"layer", "operator", "agrees", ""}, rows)
}

// readQModel reads a .qmodel as data, with the SHA-256 of its file.
func readQModel(path string) (*qmodel.Model, string, error) {
	if _, err := isModel(path); err != nil {
		return nil, "", err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	m, err := qmodel.Read(bytes.NewReader(file), int64(len(file)))
	switch {
	case errors.Is(err, qmodel.ErrNewer):
		return nil, "", fmt.Errorf("%s: %w", path, err)
	case err != nil:
		return nil, "", explain(path, err)
	}
	sum := sha256.Sum256(file)
	return m, hex.EncodeToString(sum[:]), nil
}
