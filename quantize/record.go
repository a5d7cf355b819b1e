// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/goqat/goqat/ptq"
)

// A record is a file with a line for each measurement that was made, and one before
// them that says of what.
type record struct {
	path string
	file *os.File // nil for none
	made map[measured]ptq.Sensitivity
}

// measured is what a measurement is of.
type measured struct {
	layer, what string
	bits        int
}

// recordHead is the first line: measurements of something else are not gone on
// with.
type recordHead struct {
	Checkpoint  string  `json:"checkpoint"` // SHA-256 of the file
	Calibrator  string  `json:"calibrator"`
	Granularity string  `json:"granularity"`
	Data        string  `json:"data"`
	Dir         string  `json:"dir"`
	Seed        int     `json:"seed"`
	SkipBroken  bool    `json:"skip_broken"`
	Layers      string  `json:"layers"` // the exceptions of --layer
	Percentile  float64 `json:"percentile"`
	Deviations  float64 `json:"deviations"`
	Images      int     `json:"images"`
	Measure     int     `json:"measure"`
}

// openRecord opens or makes the file at path; "" keeps nothing.
func openRecord(path, checkpoint string, s *Settings, measure int) (*record, error) {
	m := &record{path: path, made: map[measured]ptq.Sensitivity{}}
	if path == "" {
		return m, nil
	}
	content, err := os.ReadFile(checkpoint)
	if err != nil {
		return nil, err
	}
	head := recordHead{
		Checkpoint: fmt.Sprintf("%x", sha256.Sum256(content)), Calibrator: s.Calibrator, Granularity: s.Granularity,
		Data: s.Data, Dir: s.Dir, SkipBroken: s.Reading.SkipBroken, Layers: strings.Join(s.Exceptions, ","),
		Percentile: s.Numbers.Percentile, Deviations: s.Numbers.Deviations, Images: s.Images, Measure: measure,
	}
	if s.Seed != nil {
		head.Seed = *s.Seed
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1] // a line cut short is made again
	if len(data) > 0 && len(whole) == 0 {
		whole = data // nothing of goqat's: refused
	}
	if err := m.read(whole, head); err != nil {
		return nil, err
	}
	if m.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	if err := m.file.Truncate(int64(len(whole))); err != nil {
		return nil, err
	}
	if _, err := m.file.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	if len(whole) == 0 {
		return m, m.line(head)
	}
	return m, nil
}

// read takes in the lines that the file has.
func (m *record) read(lines []byte, want recordHead) error {
	if len(lines) == 0 {
		return nil
	}
	first, rest, _ := bytes.Cut(lines, []byte("\n"))
	var head recordHead
	if json.Unmarshal(first, &head) != nil || head != want {
		return fmt.Errorf("%s holds measurements of something else; name another file", m.path)
	}
	for line := range bytes.Lines(rest) {
		var s ptq.Sensitivity
		if err := json.Unmarshal(line, &s); err != nil {
			return fmt.Errorf("%s: damaged: %w; name another file", m.path, err)
		}
		m.made[measured{s.Layer, s.What, s.Bits}] = s
	}
	return nil
}

func (m *record) find(s ptq.Sensitivity) (ptq.Sensitivity, bool) {
	known, ok := m.made[measured{s.Layer, s.What, s.Bits}]
	return known, ok
}

// add appends a measurement.
func (m *record) add(s ptq.Sensitivity) error {
	if m.file == nil {
		return nil
	}
	return m.line(s)
}

func (m *record) line(v any) error {
	if err := json.NewEncoder(m.file).Encode(v); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return nil
}

func (m *record) close() {
	if m.file != nil {
		m.file.Close()
	}
}
