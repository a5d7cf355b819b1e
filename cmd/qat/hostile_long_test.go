// SPDX-License-Identifier: Apache-2.0

//go:build linux && long

package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/safetensors"
)

// addressSpace is the limit of a process of the campaign, in KiB, as of ulimit -v.
const addressSpace = 3 << 20

// exitTimeout is the exit code of timeout when the time is over.
const exitTimeout = 124

// TestHostileFilesUnderALimitOfMemory gives the program 500 checkpoints, recipes and
// data sets that were changed at random or ask for more than there is: each ends in a
// result or in one line of error, never in a trace of Go. Trainings too long for the
// campaign end in what saves them.
func TestHostileFilesUnderALimitOfMemory(t *testing.T) {
	r := trained(t)
	rng := rand.New(rand.NewPCG(10, 13))
	dir := t.TempDir()
	ended := map[int]int{}
	for i := range 500 {
		var args []string
		switch i % 3 {
		case 0:
			path := filepath.Join(dir, "c.safetensors")
			hostileCheckpoint(t, rng, r.checkpoint(), path)
			args = slices.Concat([][]string{{"inspect", path}, {"eval", path, "--data", r.data}, {"export", path, "-o", filepath.Join(dir, "m.qmodel")}}[rng.IntN(3)])
		case 1:
			path := filepath.Join(dir, "r.yaml")
			if err := os.WriteFile(path, hostileRecipe(rng), 0o644); err != nil {
				t.Fatal(err)
			}
			args = []string{"train", path, "--data", r.data, "--out", filepath.Join(dir, fmt.Sprint("run", i)), "--float-epochs", "1", "--epochs", "1"}
		default:
			args = []string{"eval", r.model(), "--data", hostileData(t, rng, r.data, filepath.Join(dir, fmt.Sprint("data", i)))}
		}
		p, log := start(t, fmt.Sprintf(`ulimit -v %d; exec timeout 20 "$0" "$@"`, addressSpace), args...)
		var last string
		var all strings.Builder
		for log.Scan() {
			last = log.Text()
			fmt.Fprintln(&all, last)
		}
		p.Wait()
		code := p.ProcessState.ExitCode()
		ended[code]++
		if code == exitTimeout && strings.Contains(last, "everything is saved, go on with") {
			continue
		}
		if code != command.Done && code != command.Failed && code != command.Usage || code != command.Done && !strings.HasPrefix(last, "qat: ") || strings.Contains(all.String(), "goroutine ") {
			t.Errorf("%d: %q: exit %d: %.600s", i, args, code, all.String())
		}
	}
	t.Logf("ends by exit code: %v", ended)
}

// hostileNumbers are written over numbers.
var hostileNumbers = []string{"0", "-1", "2000000000", "65536", "1e300", "9223372036854775807", "NaN", "4096", "512"}

// change writes over a number, cuts, repeats or turns over a part of text.
func change(rng *rand.Rand, text []byte) []byte {
	text = bytes.Clone(text)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(text))
		switch rng.IntN(6) {
		case 0:
			text[at] ^= byte(1 + rng.IntN(255))
		case 1:
			text = append(text[:at:at], text[min(len(text), at+rng.IntN(20)+1):]...)
		case 2:
			text = slices.Insert(text, at, bytes.Repeat(text[at:min(len(text), at+30)], 1+rng.IntN(200))...)
		default:
			if n := bytes.IndexAny(text[at:], "0123456789"); n >= 0 {
				end := at + n
				for end < len(text) && strings.IndexByte("0123456789.", text[end]) >= 0 {
					end++
				}
				text = slices.Replace(text, at+n, end, []byte(hostileNumbers[rng.IntN(len(hostileNumbers))])...)
			}
		}
		if len(text) == 0 {
			return []byte(" ")
		}
	}
	return text
}

// hostileCheckpoint changes what a checkpoint says or its numbers, with a right digest,
// or its bytes.
func hostileCheckpoint(t *testing.T, rng *rand.Rand, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if rng.IntN(4) == 0 {
		content = change(rng, content)
	} else {
		f, err := safetensors.Read(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		if k := rng.IntN(len(f.Tensors)); rng.IntN(3) == 0 {
			f.Tensors[k].Data = make([]byte, len(f.Tensors[k].Data))
			for i := range f.Tensors[k].Data {
				f.Tensors[k].Data[i] = byte(rng.IntN(256))
			}
		} else {
			f.Metadata[0].Value = strings.ToValidUTF8(string(change(rng, []byte(f.Metadata[0].Value))), "?")
		}
		var b bytes.Buffer
		if err := f.Write(&b); err == nil {
			content = b.Bytes()
		}
	}
	if err := os.WriteFile(to, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// hostileRecipe changes a recipe, or asks for a network by name at any width.
func hostileRecipe(rng *rand.Rand) []byte {
	if rng.IntN(4) == 0 {
		return fmt.Appendf(nil, "model: {name: %s, width: %s}\nbatch: %s\n", []string{"resnet56", "mobilenet", "lenet", "cnv", "mlp"}[rng.IntN(5)],
			[]string{"64", "16", "8", "0.01"}[rng.IntN(4)], []string{"1", "64", "65536"}[rng.IntN(3)])
	}
	return change(rng, []byte(shapeRecipe))
}

// hostileData copies a folder of images with some of them changed.
func hostileData(t *testing.T, rng *rand.Rand, from, to string) string {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(to, "*", "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + rng.IntN(3) {
		name := files[rng.IntN(len(files))]
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if rng.IntN(2) == 0 {
			content = slices.Replace(content, 16, 24, []byte{0, 0, byte(rng.IntN(256)), 255, 0, 0, byte(rng.IntN(256)), 255}...) // its size
		} else {
			content = change(rng, content)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestDiskFullAtEveryFile trains where no file can be larger than each of a whole run
// but one byte: the training ends in one line, and goes on, with room, to the same
// model.
func TestDiskFullAtEveryFile(t *testing.T) {
	r := trained(t)
	want, err := os.ReadFile(r.model())
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(r.folder, "*"))
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files, error %v", len(names), err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == 0 { // the lock
			continue
		}
		folder := filepath.Join(t.TempDir(), "run")
		stderr, code := executeLimited(t, int(info.Size())-1, "train", r.recipe, "--data", r.data, "--out", folder)
		if code != command.Failed || !strings.Contains(stderr, "file too large") {
			t.Errorf("%s: exit %d: %s", filepath.Base(name), code, stderr)
			continue
		}
		args := []string{"train", "--resume", folder}
		if _, err := os.Stat(filepath.Join(folder, "config.yaml")); err != nil { // nothing had begun
			args = []string{"train", r.recipe, "--data", r.data, "--out", folder}
		}
		var log bytes.Buffer
		if code := command.Execute(t.Context(), newRoot(), args, strings.NewReader(""), io.Discard, &log); code != command.Done {
			t.Errorf("%s: going on: exit %d: %s", filepath.Base(name), code, log.String())
			continue
		}
		if got, err := os.ReadFile(filepath.Join(folder, "model.qmodel")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: another model, error %v", filepath.Base(name), err)
		}
	}
}
