// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/goqat/goqat/internal/lock"
	"github.com/goqat/goqat/ptq"
)

// A record is a file with a line for each measurement that was made, and one before
// them that says of what.
type record struct {
	path   string
	file   *os.File // nil for none
	free   func()   // gives up its lock
	made   map[measured]ptq.Sensitivity
	traces map[traced]ptq.Trace
}

// measured is what a measurement is of.
type measured struct {
	layer, what string
	bits        int
}

// traced is what a trace is of, and how it is estimated.
type traced struct {
	layer, what string
	probes      int
	seed        uint64
}

// head is the first line: measurements of something else are not gone on with.
type head struct {
	Checkpoint  string      `json:"checkpoint"` // SHA-256 of the file
	Data        string      `json:"data"`       // digest
	Seed        int         `json:"seed"`
	Granularity string      `json:"granularity"`
	Ranges      ptq.Options `json:"ranges"`
	Calibration int         `json:"calibration"`
	Measure     int         `json:"measure"`
}

// line is one of the others: a measurement, or a trace with its seed.
type line struct {
	*ptq.Sensitivity `json:",omitempty"`
	Trace            *ptq.Trace `json:"hessian,omitempty"`
	Seed             uint64     `json:"seed,omitempty"`
}

// openRecord opens or makes the file of measurements; "" keeps nothing.
func openRecord(path, checkpoint string, ranges ptq.Options, h head) (*record, error) {
	r := &record{path: path, made: map[measured]ptq.Sensitivity{}, traces: map[traced]ptq.Trace{}}
	if path == "" {
		return r, nil
	}
	network, err := os.ReadFile(checkpoint)
	if err != nil {
		return nil, err
	}
	h.Checkpoint, h.Ranges = fmt.Sprintf("%x", sha256.Sum256(network)), ranges
	first, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("quantize: %s is no file that measurements could be read from again; name one", path)
	}
	if r.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	if r.free, err = lock.Hold(path); err != nil {
		r.file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := r.goOn(first); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// goOn reads what the file has, and makes it ready for what is added.
func (r *record) goOn(first []byte) error {
	content, err := io.ReadAll(r.file)
	if err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	whole := content[:bytes.LastIndexByte(content, '\n')+1] // a line cut short is made again
	if len(content) > 0 && len(whole) == 0 {
		whole = content // nothing of goqat's: refused
	}
	if err := r.read(whole, first); err != nil {
		return err
	}
	if err := r.start(int64(len(whole)), first); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}

// start makes the file ready for what is added after so many bytes.
func (r *record) start(whole int64, first []byte) error {
	if err := r.file.Truncate(whole); err != nil {
		return err
	}
	if _, err := r.file.Seek(0, io.SeekEnd); err != nil || whole > 0 {
		return err
	}
	_, err := r.file.Write(append(first, '\n'))
	return err
}

// read takes in the lines that the file has.
func (r *record) read(lines, want []byte) error {
	if len(lines) == 0 {
		return nil
	}
	first, rest, _ := bytes.Cut(lines, []byte("\n"))
	if !bytes.Equal(first, want) {
		return fmt.Errorf("%s holds measurements of something else: another checkpoint, other data or other settings; name another file", r.path)
	}
	for text := range bytes.Lines(rest) {
		var l line
		err := json.Unmarshal(text, &l)
		switch {
		case err != nil:
			return fmt.Errorf("%s is damaged: %w; name another file", r.path, err)
		case l.Trace != nil:
			r.traces[traceOf(*l.Trace, l.Seed)] = *l.Trace
		case l.Sensitivity != nil:
			r.made[measureOf(*l.Sensitivity)] = *l.Sensitivity
		}
	}
	return nil
}

func measureOf(s ptq.Sensitivity) measured { return measured{s.Layer, s.What, s.Bits} }

func traceOf(t ptq.Trace, seed uint64) traced { return traced{t.Layer, t.What, t.Probes, seed} }

// find returns a measurement that was made before.
func (r *record) find(s ptq.Sensitivity) (ptq.Sensitivity, bool) {
	known, ok := r.made[measureOf(s)]
	return known, ok
}

// findTrace returns a trace that was estimated before.
func (r *record) findTrace(t ptq.Trace, seed uint64) (ptq.Trace, bool) {
	known, ok := r.traces[traceOf(t, seed)]
	return known, ok
}

// add keeps a measurement.
func (r *record) add(s ptq.Sensitivity) error {
	r.made[measureOf(s)] = s
	return r.write(line{Sensitivity: &s})
}

// addTrace keeps a trace.
func (r *record) addTrace(t ptq.Trace, seed uint64) error {
	r.traces[traceOf(t, seed)] = t
	return r.write(line{Trace: &t, Seed: seed})
}

func (r *record) write(l line) error {
	if r.file == nil {
		return nil
	}
	if err := json.NewEncoder(r.file).Encode(l); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}

func (r *record) close() {
	if r.file != nil {
		r.file.Close()
		r.free()
	}
}
