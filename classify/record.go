// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goqat/goqat/internal/lock"
	"github.com/goqat/goqat/train"
)

// A Record is a file of answers, to which a program that was stopped adds the rest when it is
// started again: of lines of JSON, or a Parquet file, whose answers are such lines until there are
// all.
type Record struct {
	path  string   // of the lines
	file  *os.File // nil if the answers are a Parquet file already
	free  func()   // gives up the lock of the lines
	table string   // the Parquet file, if it is to be one
	model string   // of whom all answers are
	known map[string]bool

	Written int // images
	Failed  int // of those the ones without classes
}

// A recorded answer says of which model it is.
type recorded struct {
	Model string `json:"model"` // the first hexadecimal digits of the SHA-256 of its file
	Answer
}

// mostLine bounds the bytes of a line.
const mostLine = 1 << 24

// OpenRecord opens a file of answers of a model, or makes it: a Parquet file if it is called so,
// and else lines. A last line that was cut short, as a kill leaves it, is removed. A file of
// anything else is refused, and so is one that another process adds to.
func OpenRecord(path, model string) (*Record, error) {
	r := &Record{path: path, model: model, known: map[string]bool{}}
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		r.table, r.path = path, path+".jsonl"
		whole, err := r.readTable()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if whole {
			return r, nil
		}
	}
	if err := r.openLines(); err != nil {
		return nil, err
	}
	return r, nil
}

// openLines opens the file of lines.
func (r *Record) openLines() error {
	file, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if r.free, err = lock.Hold(r.path); err != nil {
		file.Close()
		return fmt.Errorf("%s: %w", r.path, err)
	}
	r.file = file
	end, err := r.read(bufio.NewReaderSize(file, 1<<16))
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		_ = r.Close()
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}

// read learns which images the file has answers of, and where its whole lines end.
func (r *Record) read(in *bufio.Reader) (end int64, err error) {
	return r.lines(in, func(a Answer) error {
		r.known[a.Image] = true
		return nil
	})
}

// lines calls visit with the answer of each whole line, and returns where these end.
func (r *Record) lines(in *bufio.Reader, visit func(Answer) error) (end int64, err error) {
	for number := 1; ; number++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			if end == 0 && len(line) > 0 && !bytes.HasPrefix([]byte(`{"model":"`), line[:min(len(line), 10)]) {
				return 0, errors.New("holds no answers; name another file")
			}
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		var a recorded
		if err := json.Unmarshal(line, &a); err != nil || a.Model == "" {
			return 0, fmt.Errorf("line %d is no answer; name another file", number)
		}
		if a.Model != r.model {
			return 0, fmt.Errorf("line %d is an answer of another model; name another file", number)
		}
		if err := visit(a.Answer); err != nil {
			return 0, err
		}
		end += int64(len(line))
	}
}

// readLine reads a line with its end.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > mostLine {
			return nil, errors.New("a line of more than 16 MiB; name another file")
		}
	}
}

// Has says whether the file had answers of an image when it was opened.
func (r *Record) Has(image string) bool { return r.known[image] }

// Known is the number of images that it had answers of.
func (r *Record) Known() int { return len(r.known) }

// Add writes the answers of a file, all or, where the program is killed, perhaps the last of them not whole.
func (r *Record) Add(answers []Answer) error {
	if r.file == nil {
		return fmt.Errorf("%s is whole and has no answer of %s; name another file, or one of lines (.jsonl), to which answers are added", r.table, answers[0].Image)
	}
	var b bytes.Buffer
	for _, a := range answers {
		if err := json.NewEncoder(&b).Encode(recorded{r.model, a}); err != nil {
			return err
		}
	}
	if _, err := r.file.Write(b.Bytes()); err != nil {
		return err
	}
	r.Written++
	if len(Errors(answers)) > 0 {
		r.Failed++
	}
	return nil
}

// Finish makes the Parquet file, if it is to be one, once all answers are added, and removes the
// lines.
func (r *Record) Finish() error {
	if r.table == "" || r.file == nil {
		return nil
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := train.WriteFile(r.table, r.writeTable); err != nil {
		return err
	}
	if err := r.Close(); err != nil {
		return err
	}
	r.file = nil
	return os.Remove(r.path)
}

// Close closes the file.
func (r *Record) Close() error {
	if r.file == nil {
		return nil
	}
	defer r.free()
	return r.file.Close()
}
