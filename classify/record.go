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

	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/lock"
)

// A Record is a file of answers, to which a program that was stopped adds the rest when it is
// started again: of lines of JSON, or a Parquet file, whose answers are such lines until there are
// all. An image of which the lines have an error only is tried again, and what becomes of it then
// stands for the error.
type Record struct {
	path  string   // of the lines
	file  *os.File // nil if the answers are a Parquet file already
	end   int64    // of the whole lines in the file
	free  func()   // gives up the lock of the lines
	table string   // the Parquet file, if it is to be one
	model string   // of whom all answers are
	top   int      // candidates of each
	known map[string]bool
	again map[string]string // the errors of images that are tried again
	stale bool              // lines hold errors of images that have another line after it

	Written int // images
	Failed  int // images without classes, of those written or, of a whole Parquet file, of all
}

// A recorded answer says of which model it is.
type recorded struct {
	Model string `json:"model"` // the first hexadecimal digits of the SHA-256 of its file
	Answer
}

// mostLine bounds the bytes of a line.
const mostLine = 1 << 24

// OpenRecord opens a file of answers of a model, with the best top classes of each image, or makes it: a Parquet
// file if it is called so, and else lines. A last line that was cut short, as a kill leaves it, is removed. A file
// of anything else is refused, also of answers with more or fewer classes, and so is one that another process adds to.
func OpenRecord(path, model string, top int) (*Record, error) {
	r := &Record{path: path, model: model, top: top, known: map[string]bool{}, again: map[string]string{}}
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

// openLines opens the file of lines. It is held first: another process may put one in its place as
// long as it is not.
func (r *Record) openLines() error {
	file, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file that answers could be read from again; name one", r.path)
	}
	if r.free, err = lock.Hold(r.path); err != nil {
		return fmt.Errorf("%s: %w", r.path, err)
	}
	if r.file, err = os.OpenFile(r.path, os.O_RDWR, 0o644); err != nil {
		r.free()
		return err
	}
	r.end, err = r.read(r.file)
	if err == nil {
		err = r.cut()
	}
	if err != nil {
		_ = r.Close()
		return fmt.Errorf("%s: %w", r.path, err)
	}
	return nil
}

// cut makes the file end with its whole lines, and what is added follow them.
func (r *Record) cut() error {
	if err := r.file.Truncate(r.end); err != nil {
		return err
	}
	_, err := r.file.Seek(r.end, io.SeekStart)
	return err
}

// read learns which images the file has answers of, and where these end.
func (r *Record) read(in io.Reader) (end int64, err error) {
	end, half, err := r.lines(in, func(_ []byte, a Answer) error {
		_, failed := r.again[a.Image]
		r.stale = r.stale || failed
		if a.Error != "" {
			r.again[a.Image] = a.Error
			delete(r.known, a.Image)
			return nil
		}
		r.known[a.Image] = true
		delete(r.again, a.Image)
		return nil
	})
	delete(r.known, half)
	return end, err
}

// lines calls visit with each whole line and its answer, and returns where the lines of the last image
// that has all of them end. A file has a line for each of its signals: where the last line was cut
// short, the image before it may lack some, and is half.
func (r *Record) lines(in io.Reader, visit func([]byte, Answer) error) (end int64, half string, err error) {
	b := bufio.NewReaderSize(in, 1<<16)
	var last Answer
	var begin int64 // of the lines of the last image
	for number := 1; ; number++ {
		line, err := readLine(b)
		if errors.Is(err, io.EOF) {
			switch {
			case end == 0 && len(line) > 0 && !bytes.HasPrefix([]byte(`{"model":"`), line[:min(len(line), 10)]):
				return 0, "", errors.New("holds no answers; name another file")
			case len(line) > 0 && last.Row > 0:
				return begin, last.Image, nil
			}
			return end, "", nil
		}
		if err != nil {
			return 0, "", err
		}
		var a recorded
		if err := json.Unmarshal(line, &a); err != nil || a.Model == "" {
			return 0, "", fmt.Errorf("line %d is no answer; name another file", number)
		}
		if a.Model != r.model {
			return 0, "", fmt.Errorf("line %d is an answer of another model; name another file", number)
		}
		if err := r.fits(a.Answer.Error != "", len(a.Top)); err != nil {
			return 0, "", fmt.Errorf("line %d %w", number, err)
		}
		if err := visit(line, a.Answer); err != nil {
			return 0, "", err
		}
		if a.Image != last.Image {
			begin = end
		}
		last, end = a.Answer, end+int64(len(line))
	}
}

// An OtherTopError says that a file has answers with more or fewer classes than those to be added.
type OtherTopError struct{ Has, Want int }

func (e *OtherTopError) Error() string {
	return fmt.Sprintf("has the best %d of the classes of an image, not the best %d; ask for as many as it has, or name another file", e.Has, e.Want)
}

// fits wants as many classes in an answer as in those to be added, unless it failed.
func (r *Record) fits(failed bool, classes int) error {
	if failed || classes == r.top {
		return nil
	}
	return &OtherTopError{Has: classes, Want: r.top}
}

// settled calls visit with the lines of the file, but with no error that another line of its image follows.
func (r *Record) settled(visit func([]byte, Answer) error) error {
	in, err := os.Open(r.path)
	if err != nil {
		return err
	}
	defer in.Close()
	last, n := map[string]int{}, 0 // the numbers of the last lines of images that have an error
	if _, _, err := r.lines(in, func(_ []byte, a Answer) error {
		n++
		if _, failed := last[a.Image]; failed || a.Error != "" {
			last[a.Image] = n
		}
		return nil
	}); err != nil {
		return err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n = 0
	_, _, err = r.lines(in, func(line []byte, a Answer) error {
		if n++; a.Error != "" && last[a.Image] != n {
			return nil
		}
		return visit(line, a)
	})
	return err
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

// Has says whether the file had answers of an image when it was opened, and no error.
func (r *Record) Has(image string) bool { return r.known[image] }

// Known is the number of images that it had answers of.
func (r *Record) Known() int { return len(r.known) }

// Add writes the answers of a file, all or, where the program is killed, perhaps not all of them.
func (r *Record) Add(answers []Answer) error {
	if r.file == nil {
		return fmt.Errorf("%s is whole and has no answer of %s; name another file, or one of lines (.jsonl), to which answers are added", r.table, answers[0].Image)
	}
	r.Written++
	if len(Errors(answers)) > 0 {
		r.Failed++
	}
	before, failed := r.again[answers[0].Image]
	if failed && before == answers[0].Error {
		return nil // its line says so
	}
	r.stale = r.stale || failed
	var b bytes.Buffer
	for _, a := range answers {
		if err := json.NewEncoder(&b).Encode(recorded{r.model, a}); err != nil {
			return err
		}
	}
	if _, err := r.file.Write(b.Bytes()); err != nil {
		return errors.Join(err, r.cut()) // no part of the answers of a file stays
	}
	r.end += int64(b.Len())
	return nil
}

// Finish takes out errors that are none any more, and makes the Parquet file, if it is to be one, in
// place of the lines, once all answers are added.
func (r *Record) Finish() error {
	if r.file == nil || r.table == "" && !r.stale {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	defer r.free()
	if err != nil {
		return err
	}
	if r.table == "" {
		return atomicfile.Write(r.path, r.writeLines)
	}
	if err := atomicfile.Write(r.table, r.writeTable); err != nil {
		return err
	}
	return os.Remove(r.path)
}

// writeLines writes the lines of the file anew.
func (r *Record) writeLines(w *os.File) error {
	out := bufio.NewWriterSize(w, 1<<20)
	if err := r.settled(func(line []byte, _ Answer) error {
		_, err := out.Write(line)
		return err
	}); err != nil {
		return err
	}
	return out.Flush()
}

// Close closes the file.
func (r *Record) Close() error {
	if r.file == nil {
		return nil
	}
	defer r.free()
	return r.file.Close()
}
