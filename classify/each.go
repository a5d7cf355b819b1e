// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/share"
)

// Options say how files are classified.
type Options struct {
	Top    int           // the most classes of an answer
	Runner infer.Options // its Threads are those of all work together; Batch is 1
	Part   share.Part    // of the files, those in shards among them, in their order
	Stdin  io.Reader     // what [Stdin] stands for

	// Skip, if not nil, says which files are left out.
	Skip func(image string) bool
}

// An item is a file to classify: at a path, or in a shard.
type item struct {
	name string
	data []byte // of a file in a shard, nil of one at a path
	err  error  // of a shard that cannot be read

	answers chan []Answer // takes the one outcome
}

// Each classifies files and calls visit with the answers of each, in their order. Several
// files are read, decoded and run at once, by one thread each. A file that is no image has an
// error among its answers; only the end of the context and an error of visit end the whole.
func Each(ctx context.Context, m *infer.Model, paths []string, o Options, visit func([]Answer) error) error {
	workers := o.Runner.Threads
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	if len(paths) == 1 && !isShard(paths[0]) {
		workers = 1
	} else {
		o.Runner.Threads = 1
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	runners := make([]*infer.Runner, workers)
	for i := range runners {
		var err error
		if runners[i], err = m.NewRunner(o.Runner); err != nil {
			for _, r := range runners[:i] {
				r.Close()
			}
			return err
		}
	}
	jobs, order := make(chan *item), make(chan *item, 4*workers)
	for _, r := range runners {
		go func() {
			defer r.Close()
			for j := range jobs {
				j.answers <- j.classify(m, r, o)
			}
		}()
	}
	go func() {
		defer close(order)
		defer close(jobs)
		o.items(paths, func(j *item) bool {
			j.answers = make(chan []Answer, 1)
			for _, to := range []chan *item{order, jobs} {
				select {
				case to <- j:
				case <-ctx.Done():
					return false
				}
			}
			return true
		})
	}()
	return inOrder(ctx, order, visit)
}

// inOrder calls visit with the answers of items.
func inOrder(ctx context.Context, order <-chan *item, visit func([]Answer) error) error {
	for j := range order {
		select {
		case answers := <-j.answers:
			if err := visit(answers); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// items calls send with the files of the part that are not left out, until it says no.
func (o Options) items(paths []string, send func(*item) bool) {
	n := -1
	wanted := func(name string) bool {
		n++
		return o.Part.Has(n) && (o.Skip == nil || !o.Skip(name))
	}
	for _, path := range paths {
		if isShard(path) {
			if !o.shard(path, wanted, send) {
				return
			}
			continue
		}
		j := &item{name: path}
		if strings.EqualFold(filepath.Ext(path), ".zip") {
			j.err = fmt.Errorf("%s: a zip archive; unpack it, or name a tar archive of the files", path)
		}
		if wanted(path) && !send(j) {
			return
		}
	}
}

// mostList bounds the bytes of a list of paths.
const mostList = 256 << 20

// ReadList reads paths, one a line.
func ReadList(r io.Reader) ([]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostList+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostList {
		return nil, errors.New("a list of more than 256 MiB; divide it")
	}
	var paths []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			paths = append(paths, line)
		}
	}
	return paths, nil
}

// errStopped ends the reading of a shard.
var errStopped = errors.New("stopped")

// shard is items of a tar archive. What cannot be read of it is an item with an error.
func (o Options) shard(path string, wanted func(string) bool, send func(*item) bool) bool {
	err := datasets.TarImages(path, func(name string, r io.Reader) error {
		j := &item{name: path + "/" + name}
		if !wanted(j.name) {
			return nil
		}
		data, err := io.ReadAll(io.LimitReader(r, limits.Bytes+1))
		if err != nil {
			return err
		}
		if j.data = data; !send(j) {
			return errStopped
		}
		return nil
	})
	if err == nil {
		return true
	}
	return !errors.Is(err, errStopped) && send(&item{name: path, err: fmt.Errorf("%s: %w", path, err)})
}

// isShard tells whether a path is that of a tar archive.
func isShard(path string) bool {
	if !datasets.IsTar(path) {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// classify classifies the image or the signals of a file.
func (j *item) classify(m *infer.Model, r *infer.Runner, o Options) []Answer {
	if j.err != nil {
		return failed(j.name, j.err, false)
	}
	input := o.Stdin
	switch {
	case j.data != nil:
		input = bytes.NewReader(j.data)
	case j.name != Stdin:
		f, err := os.Open(j.name)
		if err != nil {
			return failed(j.name, err, false)
		}
		defer f.Close()
		input = f
	}
	all, turned, err := read(m, j.name, input)
	if err != nil {
		return failed(j.name, err, turned)
	}
	answers := make([]Answer, len(all))
	logits := make([]int32, len(m.Classes()))
	for i, codes := range all {
		a := &answers[i]
		*a = Answer{Image: j.name, Top: []Candidate{}, Turned: turned}
		if len(all) > 1 {
			a.Row = i + 1
		}
		if a.Err = r.Run(logits, codes); a.Err != nil {
			a.Error = a.Err.Error()
			continue
		}
		a.Top = candidates(m, logits, o.Top)
	}
	return answers
}

// failed is the answer of a file that has no classes.
func failed(name string, err error, turned bool) []Answer {
	return []Answer{{Image: name, Top: []Candidate{}, Err: err, Error: err.Error(), Turned: turned}}
}
