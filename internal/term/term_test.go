// SPDX-License-Identifier: Apache-2.0

package term_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goqat/goqat/internal/term"
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
			p.Step(batch, 1/float64(batch), 0.875, 3200)
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

func TestStopClearsTheBar(t *testing.T) {
	var out bytes.Buffer
	p := term.NewProgress(&out, true)
	p.Epoch("qat", 1, 1, 10)
	p.Step(1, 1, 1, 1)
	p.Stop()
	if !strings.HasSuffix(out.String(), "\x1b[2K\r") {
		t.Errorf("ends %q", out.String())
	}
	n := out.Len()
	p.Stop()
	p.Step(2, 1, 1, 1)
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
	err := term.Table(&out, []string{"network", "accuracy", "bytes"}, [][]string{{"float", "90.2 %", "4000"}, {"integer", "89.9 %", ""}, {"é", "1 %", "2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "network  accuracy  bytes\nfloat      90.2 %   4000\ninteger    89.9 %\né             1 %      2\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTableReportsWriteErrors(t *testing.T) {
	if err := term.Table(full{}, []string{"a"}, nil); err == nil || err.Error() != "term: write table: disk full" {
		t.Errorf("got %v", err)
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
