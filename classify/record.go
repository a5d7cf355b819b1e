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
)

// A Record is a file of answers, one a line as JSON, to which a program that was stopped
// adds the rest when it is started again.
type Record struct {
	file  *os.File
	model string // of whom all answers are
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

// OpenRecord opens a file of answers of a model, or makes it. A last line that was cut
// short, as a kill leaves it, is removed. A file of anything else is refused.
func OpenRecord(path, model string) (*Record, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	r := &Record{file: file, model: model, known: map[string]bool{}}
	end, err := r.read(bufio.NewReaderSize(file, 1<<16))
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// read learns which images the file has answers of, and where its whole lines end.
func (r *Record) read(in *bufio.Reader) (end int64, err error) {
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
		r.known[a.Image] = true
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

// Close closes the file.
func (r *Record) Close() error { return r.file.Close() }
