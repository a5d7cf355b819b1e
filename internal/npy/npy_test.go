// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// golden is what NumPy reads of a file of testdata (see make.py there).
type golden struct {
	Shape  []int
	Type   string
	Values []any
}

func readGolden(t *testing.T) map[string]golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]golden{}
	if err := json.Unmarshal(data, &all); err != nil || len(all) < 15 {
		t.Fatal(err, len(all))
	}
	return all
}

// open reads a file of testdata.
func open(t *testing.T, name string, limit int64) (*Array, error) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return Read(f, limit)
}

// Shapes, types and values are those that NumPy reads.
func TestReadIsWhatNumPyReads(t *testing.T) {
	for name, want := range readGolden(t) {
		a, err := open(t, name, 1<<20)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(a.Shape, want.Shape) || a.Type() != want.Type || a.Len() != len(want.Values) {
			t.Errorf("%s: %v of %s, not %v of %s", name, a.Shape, a.Type(), want.Shape, want.Type)
			continue
		}
		for i, v := range want.Values {
			if got := valueOf(t, a, i); got != v {
				t.Errorf("%s: value %d is %v, not %v", name, i, got, v)
			}
		}
	}
}

// valueOf returns a value as JSON knows it.
func valueOf(t *testing.T, a *Array, i int) any {
	t.Helper()
	if a.Type() == "string" {
		s, err := a.Strings()
		if err != nil {
			t.Fatal(err)
		}
		return s[i]
	}
	if strings.HasPrefix(a.Type(), "float") {
		f, err := a.Floats()
		if err != nil {
			t.Fatal(err)
		}
		if a.Type() == "float64" { // rounded to float32
			return roundTrip(t, a, i, f[i])
		}
		return float64(f[i])
	}
	n, err := a.Ints()
	if err != nil {
		t.Fatal(err)
	}
	if a.Type() == "bool" {
		return n[i] == 1
	}
	return float64(n[i])
}

func roundTrip(t *testing.T, a *Array, i int, got float32) float64 {
	t.Helper()
	v := math.Float64frombits(a.unsigned(i))
	if got != float32(v) {
		t.Errorf("value %d, %v, became %v", i, v, got)
	}
	return v
}

// Every float of 16 bits is the number that IEEE 754 says.
func TestHalf(t *testing.T) {
	for bits := range 1 << 16 {
		exponent, fraction := bits>>10&31, float64(bits&1023)
		want := math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = math.Ldexp(fraction/1024, -14)
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		}
		if bits>>15 == 1 {
			want = -want
		}
		got := float64(half(uint16(bits)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(got) {
			t.Fatalf("%04x is %v, not %v", bits, got, want)
		}
	}
}

func TestArchive(t *testing.T) {
	for _, name := range []string{"plain.npz", "packed.npz"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		a, err := NewArchive(bytes.NewReader(data), int64(len(data)))
		if err != nil || !slices.Equal(a.Names(), []string{"x", "y"}) {
			t.Fatal(a, err)
		}
		x, err := a.Read("x", 16)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := x.Floats(); err != nil || !slices.Equal(f, []float32{0, 1, 2, 3}) {
			t.Error(f, err)
		}
		if _, err := a.Read("x", 15); err == nil || !strings.Contains(err.Error(), "room") {
			t.Errorf("more than the limit: %v", err)
		}
		if _, err := a.Read("z", 100); !errors.Is(err, ErrNoArray) {
			t.Error(err)
		}
	}
}

// file makes a .npy file of version 1.0.
func file(header string, values ...byte) []byte {
	b := append([]byte(magic), 1, 0, byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), values...)
}

// What is not read is refused in a sentence that says what it is.
func TestRefused(t *testing.T) {
	plain := "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}"
	typed := func(descr string) []byte { return file(strings.Replace(plain, "'|u1'", descr, 1), 1, 2) }
	for want, data := range map[string][]byte{
		"no array of NumPy":         []byte("PK\x03\x04 something else"),
		"cut short in the header":   file(plain)[:20],
		"cut short: 1 of 2":         file(plain, 1),
		"goes on after":             file(plain, 1, 2, 3),
		"version 9":                 slices.Concat([]byte(magic), []byte{9, 0, 1, 0, 0}),
		"header of":                 slices.Concat([]byte(magic), []byte{2, 0, 0, 0, 0, 9}),
		"without descr":             file("{}", 1, 2),
		"pickled":                   typed("'|O'"),
		"bfloat16":                  typed("'<V2'"),
		"complex":                   typed("'<c8'"),
		"structured":                typed("[('a', '<f4')]"),
		"type \"<f3\"":              typed("'<f3'"),
		"type \"<U0\"":              typed("'<U0'"),
		"type \"|U99999999999999\"": typed("'|U99999999999999'"),
		"more than the":             file(strings.Replace(plain, "(2,)", "(1000000, 1000000, 1000000)", 1)),
		"a shape of":                file(strings.Replace(plain, "(2,)", "(99999999999999999999,)", 1)),
	} {
		if _, err := Read(bytes.NewReader(data), 1<<20); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "npy: ") {
			t.Errorf("want %q: %v", want, err)
		}
	}
	a, err := Read(bytes.NewReader(file(plain, 1, 2)), 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Strings(); err == nil {
		t.Error("numbers are no strings")
	}
	text, err := open(t, "unicode.npy", 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	_, bytesErr := text.Bytes()
	_, intsErr := text.Ints()
	_, floatsErr := text.Floats()
	if bytesErr == nil || intsErr == nil || floatsErr == nil {
		t.Error("strings are no numbers", bytesErr, intsErr, floatsErr)
	}
}

// No file does harm, and what is read has the values that its shape says.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.np?")
	if err != nil || len(names) == 0 {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	check := func(t *testing.T, a *Array, err error) {
		if err != nil {
			return
		}
		product := 1
		for _, n := range a.Shape {
			product *= n
		}
		if product != a.Len() {
			t.Fatalf("%d values of %v", a.Len(), a.Shape)
		}
		_, _ = a.Bytes()
		_, _ = a.Ints()
		_, _ = a.Floats()
		_, _ = a.Strings()
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(bytes.NewReader(data), 1<<20)
		check(t, a, err)
		z, err := NewArchive(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, name := range z.Names() {
			a, err := z.Read(name, 1<<20)
			check(t, a, err)
		}
	})
}

// A name that is there twice is one too many.
func TestArchiveOfEqualNames(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for range 2 {
		w, err := z.Create("x.npy")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "?"); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewArchive(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil || !strings.Contains(err.Error(), "two arrays") {
		t.Error(err)
	}
}
