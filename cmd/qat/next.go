// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/shell"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/report"
)

// printNext writes what can be done with a run; skipBroken says that its data has files that cannot be read.
func printNext(p *term.Page, s *pipeline.Summary, skipBroken bool) {
	file, model := "checkpoint-float.safetensors", s.Verify != nil
	switch {
	case model:
		file = "model.qmodel"
	case s.Accuracy.Fakequant != nil:
		file = "checkpoint-best.safetensors"
	}
	path := shell.Word(filepath.Join(s.Folder, file))
	data := shell.Word(s.Data)
	if skipBroken {
		data += " --skip-broken"
	}
	rows := [][]string{{"qat eval " + path + " --data " + data, "how well each class is found"}, {"qat inspect " + path, "what is in it: layers, bits, sizes"}}
	if model {
		run := []string{"qat run " + path + " PICTURE", "what is on a picture"}
		if m, err := infer.Open(filepath.Join(s.Folder, file)); err == nil && m.Input().Samples != nil {
			run = []string{"qat run " + path + " FILE.csv", "what is in a recording, or in the rows of a table"}
			if m.Input().Height > 1 { // a table has one row for each moment
				run = []string{"qat run " + path + " FILE.npy", "what is in signals of as many dimensions as those for training"}
			}
		}
		rows = append([][]string{run}, rows...)
	}
	page := report.FileOfRun(s.Folder)
	if _, err := os.Stat(page); err == nil {
		rows = append(rows, []string{shell.Word(page), "the training as a page, for a browser"})
	}
	p.Printf("\n")
	p.Table([]string{"next", ""}, rows)
}
