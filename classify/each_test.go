// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/lock"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/pipeline/pipelinetest"
)

// shard packs files into a tar archive.
func shard(t *testing.T, paths []string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct {
			name string
			data []byte
		}{{fmt.Sprintf("%03d.png", i), data}, {fmt.Sprintf("%03d.cls", i), []byte("0")}} {
			if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), Typeflag: tar.TypeReg}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(f.data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "shard.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func none(string) {}

// The answers are those of one thread, in the order of the files, whatever the threads, in
// folders and in shards; parts make the whole; a file of answers takes up where it stopped.
func TestEach(t *testing.T) {
	run := pipelinetest.Train(t)
	m, err := artifact.Open(run.File("model.qmodel"))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := classify.Images([]string{run.Data}, none)
	if err != nil {
		t.Fatal(err)
	}
	files := func(paths []string, o classify.Options) []classify.Answer {
		t.Helper()
		o.Top = 2
		answers, err := classify.Files(t.Context(), m, paths, o)
		if err != nil {
			t.Fatal(err)
		}
		return answers
	}
	want := files(paths, classify.Options{Runner: infer.Options{Threads: 1}})
	if got := files(paths, classify.Options{Runner: infer.Options{Threads: 5}}); !reflect.DeepEqual(got, want) || len(got) != 80 {
		t.Errorf("%d answers of 5 threads are not the %d of one", len(got), len(want))
	}
	if got := files([]string{"photos.ZIP"}, classify.Options{}); len(got) != 1 || !strings.HasPrefix(got[0].Error, "photos.ZIP: a zip archive; unpack it") {
		t.Errorf("of a zip archive: %+v", got)
	}
	packed := shard(t, paths)
	inShard := files([]string{packed, paths[0]}, classify.Options{})
	if len(inShard) != 81 || inShard[7].Image != packed+"/007.png" || !reflect.DeepEqual(inShard[7].Top, want[7].Top) || inShard[80].Image != paths[0] {
		t.Errorf("%d answers, %+v", len(inShard), inShard[7])
	}
	for _, in := range [][]string{paths, {packed}} {
		var parts []classify.Answer
		for i := range 3 {
			parts = append(parts, files(in, classify.Options{Part: share.Part{Index: i, Of: 3}})...)
		}
		slices.SortFunc(parts, func(a, b classify.Answer) int { return strings.Compare(a.Image, b.Image) })
		if whole := files(in, classify.Options{}); !reflect.DeepEqual(parts, whole) {
			t.Errorf("%d answers of parts are not the %d of all", len(parts), len(whole))
		}
	}
	record(t, m, paths)
}

// record stops after five files, is cut short as by a kill, and goes on.
func record(t *testing.T, m *infer.Model, paths []string) {
	out := filepath.Join(t.TempDir(), "answers.jsonl")
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	paths = append([]string{broken}, paths...)
	errStop := errors.New("stop")
	write := func(most int) (added, known int) {
		t.Helper()
		r, err := classify.OpenRecord(out, "0123456789abcdef", 1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		err = classify.Each(t.Context(), m, paths, classify.Options{Top: 1, Skip: r.Has}, func(a []classify.Answer) error {
			if r.Written == most {
				return errStop
			}
			return r.Add(a)
		})
		if err != nil && !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		return r.Written, r.Known()
	}
	if added, known := write(5); added != 5 || known != 0 {
		t.Fatal(added, known)
	}
	five, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, five[:len(five)-7], 0o644); err != nil {
		t.Fatal(err)
	}
	if added, known := write(-1); added != 78 || known != 3 { // the broken one is tried again
		t.Fatal(added, known)
	}
	all, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(all, five) || bytes.Count(all, []byte("\n")) != 81 {
		t.Errorf("%d lines, %v", bytes.Count(all, []byte("\n")), err)
	}
	if !strings.HasPrefix(string(all), `{"model":"0123456789abcdef","image":"`) || !strings.Contains(string(all[:bytes.IndexByte(all, '\n')]), `"error":"`) {
		t.Errorf("%.200s", all)
	}
	held, err := classify.OpenRecord(out, "0123456789abcdef", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := classify.OpenRecord(out, "0123456789abcdef", 1); !errors.Is(err, lock.ErrInUse) {
		t.Errorf("two add to one file: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := classify.OpenRecord(out, "another", 1); err == nil || !strings.Contains(err.Error(), "of another model") {
		t.Error(err)
	}
	for _, text := range []string{"notes of mine\n", "notes of mine", "{}\n"} {
		if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := classify.OpenRecord(out, "another", 1); err == nil || !strings.Contains(err.Error(), "name another file") {
			t.Errorf("%q: %v", text, err)
		}
		if now, err := os.ReadFile(out); err != nil || string(now) != text {
			t.Errorf("%q became %q", text, now)
		}
	}
}

// A shard that cannot be read has an answer that says so.
func TestBrokenShard(t *testing.T) {
	run := pipelinetest.Train(t)
	m, err := artifact.Open(run.File("model.qmodel"))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := classify.Images([]string{run.Data}, none)
	if err != nil {
		t.Fatal(err)
	}
	packed := shard(t, paths[:4])
	data, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packed, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	answers, err := classify.Files(t.Context(), m, []string{packed, paths[0]}, classify.Options{Top: 1})
	if err != nil || len(classify.Errors(answers)) != 1 || answers[len(answers)-2].Image != packed || answers[len(answers)-1].Error != "" {
		t.Errorf("%+v, %v", answers, err)
	}
}

// FuzzRecord holds that no file of answers does harm.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"model":"m","image":"a.png","top":[]}` + "\n" + `{"mod`))
	path := filepath.Join(f.TempDir(), "a.jsonl")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := classify.OpenRecord(path, "m", 1)
		if err != nil {
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, text) {
				t.Errorf("%q became %q", text, now)
			}
			return
		}
		r.Close()
	})
}
