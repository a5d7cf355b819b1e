// SPDX-License-Identifier: Apache-2.0

package term_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

func TestIsTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if term.IsTerminal(f) || term.IsTerminal(new(bytes.Buffer)) {
		t.Error("a file or buffer is no terminal")
	}
}

func TestDumbTerminal(t *testing.T) {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	for name, want := range map[string]bool{"xterm": true, "dumb": false} {
		t.Setenv("TERM", name)
		if got := term.IsTerminal(f); got != want {
			t.Errorf("TERM=%s: %v", name, got)
		}
	}
}

// train reports two epochs of 50 batches that take 20 ms each.
func train(p *term.Progress) {
	for epoch := 1; epoch <= 2; epoch++ {
		p.Epoch("float", epoch, 2, 50)
		for batch := 1; batch <= 50; batch++ {
			time.Sleep(20 * time.Millisecond)
			p.Step(batch, 1/float64(batch), 0.875, 3200, nil, "")
			if batch == 25 {
				p.Print("warning: halfway")
			}
		}
		p.EpochEnd("validation 88.1 %")
	}
}

func TestProgressWithoutTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		train(term.NewProgress(&out, false))
		want := "warning: halfway\nfloat 1/2  validation 88.1 %\nwarning: halfway\nfloat 2/2  validation 88.1 %\n"
		if out.String() != want {
			t.Errorf("got  %q\nwant %q", out.String(), want)
		}
	})
}

func TestProgressOnTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		train(term.NewProgress(&out, true))
		for _, want := range []string{
			"float 1/2  loss 1.0000  accuracy 87.5 %  3200 images/s", // first step of an epoch
			"float 2/2  loss 1.0000  accuracy 87.5 %  3200 images/s",
			"\x1b[2K\rwarning: halfway\n",
			"\x1b[2K\rfloat 1/2  validation 88.1 %\n",
			"\x1b[2K\rfloat 2/2  validation 88.1 %\n",
			" 52% |██████████          |", "[0s:0s]",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %q", want, out.String())
			}
		}
		// Every fifth step is drawn, once for the count and once for the title.
		if got := strings.Count(out.String(), "float 1/2  loss"); got < 10 || got > 22 {
			t.Errorf("%d drawings of 50 steps", got)
		}
		if lines := strings.Count(out.String(), "\n"); lines != 4 {
			t.Errorf("%d lines, want 4", lines)
		}
	})
}

// TestProgressOnNarrowTerminals draws bars that are no longer than a line, of which a
// longer one would leave rows behind at every drawing.
func TestProgressOnNarrowTerminals(t *testing.T) {
	for width, want := range map[int][]string{20: {}, 40: {"float 1/2"}, 50: {"float 1/2", "loss"}, 60: {"loss", "images/s"}, 70: {"loss", "accuracy"}, 100: {"loss", "accuracy", "images/s"}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			p := term.NewProgress(&out, true)
			p.Width = width
			train(p)
			var longest string // before the bar, which the library shortens by the terminal's width
			for _, drawn := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
				if before, _, ok := strings.Cut(drawn, "|"); ok && len(before) > len(longest) {
					longest = before
				}
			}
			if len(longest)+len("||  [0s:0s]") > width || len(want) == 0 && longest != "" {
				t.Errorf("%d columns: %q", width, longest)
			}
			for _, w := range want {
				if !strings.Contains(longest, w) {
					t.Errorf("%d columns: no %s in %q", width, w, longest)
				}
			}
		})
	}
}

func TestStopClearsTheBar(t *testing.T) {
	var out bytes.Buffer
	p := term.NewProgress(&out, true)
	p.Epoch("qat", 1, 1, 10)
	p.Step(1, 1, 1, 1, nil, "")
	p.Stop()
	if !strings.HasSuffix(out.String(), "\x1b[2K\r") {
		t.Errorf("ends %q", out.String())
	}
	n := out.Len()
	p.Stop()
	p.Step(2, 1, 1, 1, nil, "")
	if out.Len() != n {
		t.Errorf("wrote %q after the stop", out.String()[n:])
	}
}

func TestEmptyEpoch(t *testing.T) {
	var out bytes.Buffer
	p := term.NewProgress(&out, true)
	p.Epoch("test", 1, 1, 0)
	p.EpochEnd("nothing")
	if got := out.String(); got != "test 1/1  nothing\n" {
		t.Errorf("got %q", got)
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	p := term.NewPage(&out)
	p.Table([]string{"network", "accuracy", "bytes"}, [][]string{{"float", "90.2 %", "4000"}, {"integer", "89.9 %", ""}, {"é", "1 %", "2"}})
	want := "network  accuracy  bytes\nfloat      90.2 %   4000\ninteger    89.9 %\né             1 %      2\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A table is no wider than the terminal: the longest names lose their middle.
func TestTableFits(t *testing.T) {
	var out bytes.Buffer
	p := term.NewPage(&out)
	p.Width = 40
	p.Table([]string{"image", "class", "probability"}, [][]string{
		{"photos/a folder/001.jpg", "Ankle boot of a very long name", "99.91 %"}, {"", "Bag", "0.01 %"}})
	want := "image         class          probability\nphotos…1.jpg  Ankle …g name      99.91 %\n              Bag                 0.01 %\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A full disk has room for so many writes.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room--; f.room < 0 {
		return 0, errors.New("disk full after 1 writes")
	}
	return len(b), nil
}

// A page keeps the first error and writes nothing after it.
func TestPageKeepsErrors(t *testing.T) {
	p := term.NewPage(&full{room: 1})
	p.Printf("%s", "a")
	if p.Err() != nil {
		t.Error(p.Err())
	}
	p.Table([]string{"a"}, nil)
	p.Printf("b")
	if err := p.Err(); err == nil || err.Error() != "write the result: disk full after 1 writes" {
		t.Errorf("got %v", err)
	}
}

// Names from files are made plain, lines are not.
func TestPagePrintsNamesPlain(t *testing.T) {
	var out bytes.Buffer
	p := term.NewPage(&out)
	p.Printf("%s|%s|%d", "a\nb", term.Lines("c\nd"), 1)
	if want := "a\\nb|c\nd|1"; out.String() != want || p.Err() != nil {
		t.Errorf("%q, %v, want %q", out.String(), p.Err(), want)
	}
}

// JSON has no control characters, and says the same.
func TestJSONIsPlain(t *testing.T) {
	var out bytes.Buffer
	name := "a\u009b31m\u202eb<é 日本😀\n\u2028\U000e0001\x7f"
	if err := term.JSON(&out, map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["name"] != name {
		t.Errorf("%q, %v", back, err)
	}
	if text := out.String(); strings.ContainsAny(text, "\u009b\u202e\u2028\U000e0001\x7f") || !strings.Contains(text, "<é 日本😀") {
		t.Errorf("%q", text)
	}
	if err := term.JSON(&out, math.NaN()); err == nil {
		t.Error("NaN is no JSON")
	}
}

// A screen passes events to the progress, and bars make room for what is printed.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := term.NewScreen(&out)
	s.Show(pipeline.Note{Text: "note: a\tb"})
	s.Show(pipeline.EpochBegun{Phase: "float", Epoch: 1, Epochs: 2, Batches: 3})
	s.Show(pipeline.Step{Batch: 1})
	s.Show(pipeline.Progress{What: "images", Done: 1, Total: 2})
	s.Counter("verify", 3)(2)
	s.Show(pipeline.EpochEnded{Loss: 1, Accuracy: 0.5, Validation: 0.25, ImagesPerSecond: 7})
	s.Show(pipeline.EpochBegun{Phase: "float", Epoch: 2, Epochs: 2, Batches: 3})
	s.Show(pipeline.EpochEnded{Loss: 1, Accuracy: 0.5, Validation: 0.25, ImagesPerSecond: 7, Ranks: []float64{5, 3, 4}, Left: 90 * time.Second})
	s.Stop()
	want := "note: a\\tb\nfloat 1/2  loss 1.0000, accuracy 50.00 %, validation 25.00 %, 7 images/s\n" +
		"float 2/2  loss 1.0000, accuracy 50.00 %, validation 25.00 %, 7 images/s (by rank 5 3 4, slowest 1: 3), 2m left\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestUnits(t *testing.T) {
	half := 0.5
	for got, want := range map[string]string{
		term.Percent(nil): "-", term.Percent(&half): "50.00 %", term.Bytes(10239): "10239 B", term.Bytes(10240): "10.0 KiB", term.Bytes(3 << 20): "3.0 MiB",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for s, want := range map[string]string{
		"é 日本": "é 日本", "": "", "a\x1b[2J": `a\x1b[2J`, "a\nb\r": `a\nb\r`, "\u009b1m": `\u009b1m`, "\u202e": `\u202e`, "\xff": `\xff`,
		`back\slash`: `back\slash`, "\x7f": `\x7f`,
	} {
		if got := term.Plain(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
