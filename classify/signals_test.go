// SPDX-License-Identifier: Apache-2.0

package classify_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/signals"
)

// sampled is a model of signals.
func sampled(t *testing.T, height, width int, e signals.Encoding) *infer.Model {
	t.Helper()
	b := qmodeltest.New(rand.New(rand.NewPCG(1, 1)), height, width, len(e))
	b.Model.Input.Samples = e.Samples()
	var file bytes.Buffer
	if err := b.Finish(0, 3).Write(&file); err != nil {
		t.Fatal(err)
	}
	m, err := infer.FromBytes(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// array is a .npy file of float32.
func array(t *testing.T, shape string, values ...float32) string {
	t.Helper()
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	var file bytes.Buffer
	fmt.Fprintf(&file, "\x93NUMPY\x01\x00%c%c%s", len(header)&255, len(header)>>8, header)
	if err := binary.Write(&file, binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// TestSignalFiles classifies the same signals from CSV and from arrays, one and several of them.
func TestSignalFiles(t *testing.T) {
	e := signals.Encoding{{Scale: 1, ZeroPoint: 3}, {Scale: 2}}
	answer := func(height, width int, content string) []classify.Answer {
		m := sampled(t, height, width, e)
		answers, err := classify.Files(t.Context(), m, []string{classify.Stdin}, classify.Options{Top: 3, Stdin: strings.NewReader(content)})
		if err != nil {
			t.Fatal(err)
		}
		return answers
	}
	table := answer(1, 1, "a,b\n1,2\n30,4\n1,2\n")
	if len(table) != 3 || table[0].Row != 1 || table[2].Row != 3 || !reflect.DeepEqual(table[0].Top, table[2].Top) || reflect.DeepEqual(table[0].Top, table[1].Top) {
		t.Errorf("three rows of a table have the answers %+v", table)
	}
	for _, labelled := range []string{"label,a,b\nq,1,2\np,30,4\nq,1,2\n", "a,b,Label\n1,2,0\n30,4,1\n1,2,0\n", "1,q,2\n30,p,4\n1,q,2\n"} {
		if got := answer(1, 1, labelled); !reflect.DeepEqual(got, table) {
			t.Errorf("%q: %+v, want %+v", labelled, got, table)
		}
	}
	single := answer(1, 1, "30,4\n")
	if len(single) != 1 || single[0].Row != 0 || !reflect.DeepEqual(single[0].Top, table[1].Top) {
		t.Errorf("one row: %+v, among others %+v", single, table[1])
	}
	for _, shape := range []string{"3, 2", "3, 1, 2", "3, 1, 1, 2"} {
		if got := answer(1, 1, array(t, shape, 1, 2, 30, 4, 1, 2)); !reflect.DeepEqual(got, table) {
			t.Errorf("an array of (%s): %+v, want %+v", shape, got, table)
		}
	}
	wave := answer(1, 3, "1,2\n30,4\n1,2\n")
	for _, shape := range []string{"3, 2", "1, 3, 2", "1, 1, 3, 2"} {
		if got := answer(1, 3, array(t, shape, 1, 2, 30, 4, 1, 2)); len(got) != 1 || !reflect.DeepEqual(got, wave) {
			t.Errorf("an array of (%s): %+v, want %+v", shape, got, wave)
		}
	}
	for content, want := range map[string]string{
		"1,2\n3,4\n":                         "-: 2×2 numbers; the model takes 3×2, rows and columns",
		array(t, "2, 2", 1, 2, 3, 4):         "an array of the dimensions [2 2]; the model takes [3 2], or several of them",
		array(t, "0, 3, 2"):                  "an array of the dimensions [0 3 2]",
		array(t, "3, 2", 1, 2):               "-: npy: ",
		"":                                   "an empty file",
		"\x89PNG\r\n\x1a\n":                  "neither a table (.csv) nor an array",
		strings.Repeat("1,2,3\n", 3):         "3×3 numbers",
		"1,2\n3,x\n5,6\n":                    "line 2, column 2: \"x\" is no number; write one, or take the row out",
		"1,2\n3,1e300\n5,6\n":                "line 2, column 2: \"1e300\" is more than float32 holds",
		array(t, "3, 2", 1, 2, 3, 4, 5)[:90]: "npy: ",
	} {
		if got := answer(1, 3, content); len(got) != 1 || got[0].Err == nil || !strings.Contains(got[0].Error, want) {
			t.Errorf("%q: %+v, want %q", content, got, want)
		}
	}
}

// FuzzSignals reads files of any content.
func FuzzSignals(f *testing.F) {
	f.Add([]byte("1,2\n3,4\n"))
	f.Add([]byte("\x93NUMPY\x01\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, width := range []int{1, 2} {
			m := sampled(t, 1, width, signals.Encoding{{Scale: 1}, {Scale: 1}})
			answers, err := classify.Files(t.Context(), m, []string{classify.Stdin}, classify.Options{Top: 1, Stdin: bytes.NewReader(content)})
			if err != nil || len(answers) == 0 {
				t.Fatalf("%d answers, %v", len(answers), err)
			}
			for _, a := range answers {
				if (a.Err == nil) != (len(a.Top) == 1) {
					t.Fatalf("%+v", a)
				}
			}
		}
	})
}

// TestLines has one line an answer where all classes are too many, and counts what is left.
func TestLines(t *testing.T) {
	top := []classify.Candidate{{Class: "a"}, {Class: "b"}}
	answers := []classify.Answer{{Image: "1", Top: top}, {Image: "broken"}, {Image: "2", Row: 1, Top: top}, {Image: "2", Row: 2, Top: top}}
	for most, want := range map[int]string{0: "1:a :b 2, row 1:a :b 2, row 2:a :b +0", 6: "1:a :b 2, row 1:a :b 2, row 2:a :b +0",
		5: "1:a 2, row 1:a 2, row 2:a +0", 3: "1:a 2, row 1:a 2, row 2:a +0", 2: "1:a 2, row 1:a +1", 1: "1:a +2"} {
		lines, left := classify.Lines(answers, most)
		got := ""
		for _, l := range lines {
			got += l.Image + ":" + l.Class + " "
		}
		if got += fmt.Sprintf("+%d", left); got != want {
			t.Errorf("%d lines at most: %q, want %q", most, got, want)
		}
	}
}
