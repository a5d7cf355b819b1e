// SPDX-License-Identifier: Apache-2.0

package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// want is the value of a row of the files, see testdata/make.py.
func want(column string, i int) string {
	missing := Value{Missing: true}
	v := missing
	switch {
	case column == "label" && i%13 != 12:
		v = Value{Int: int64(i%10 - 1)}
	case column == "small":
		v = Value{Int: int64(-i)}
	case column == "image.path" && i%7 != 3:
		v = Value{Bytes: fmt.Appendf(nil, "p%d.png", i%5)}
	case column == "image.bytes" && i%7 != 3 && i%11 != 5:
		v = Value{Bytes: bytes.Repeat([]byte{byte(i)}, i%40)}
	}
	return show(v)
}

func show(v Value) string { return fmt.Sprintf("%v %d %q", v.Missing, v.Int, v.Bytes) }

// Files are read as they were written, in whatever way: packed or not, pages of both versions, dictionaries, several
// groups.
func TestForms(t *testing.T) {
	for _, name := range []string{"default", "groups", "plain", "second", "none"} {
		data := load(t, name+".parquet")
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(name, err)
		}
		if f.Metadata["note"] != "made by pyarrow" || f.Rows != 300 || len(f.Columns) != 6 {
			t.Errorf("%s: %v, %d rows, %d columns", name, f.Metadata, f.Rows, len(f.Columns))
		}
		if name == "groups" && f.Groups != 5 {
			t.Errorf("%d groups", f.Groups)
		}
		for c, column := range f.Columns {
			if other := column.Name() == "score" || strings.HasPrefix(column.Name(), "tags"); other != (column.Kind == Other) {
				t.Errorf("%s: column %s is of kind %d", name, column.Name(), column.Kind)
			}
			if column.Kind == Other {
				continue
			}
			first := 0
			for g := range f.Groups {
				n := 0
				err := f.Read(g, c, func(row int64, v Value) error {
					if got, want := show(v), want(column.Name(), first+n); got != want || row != int64(n) {
						return fmt.Errorf("row %d is %s, not %s", row, got, want)
					}
					n++
					return nil
				})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				first += n
			}
			if first != 300 {
				t.Errorf("%s: column %s has %d rows", name, column.Name(), first)
			}
		}
	}
}

// read opens a file and reads what can be read of it.
func read(data []byte) error {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for g := range f.Groups {
		for c := range f.Columns {
			if f.Columns[c].Kind == Other {
				continue
			}
			if err := f.Read(g, c, func(int64, Value) error { return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// What cannot be read is said.
func TestRefused(t *testing.T) {
	good := load(t, "default.parquet")
	encrypted := append(append([]byte{}, good[:len(good)-4]...), encryptedMagic...)
	long := bytes.Clone(good)
	binary.LittleEndian.PutUint32(long[len(long)-8:], uint32(len(good)))
	for text, data := range map[string][]byte{
		"too short":                          []byte("PAR1"),
		"one cut short":                      good[:len(good)/2],
		"an encrypted file":                  encrypted,
		"metadata of":                        long,
		"codec 7":                            load(t, "lz4.parquet"),
		"column small: values in encoding 5": load(t, "delta.parquet"),
	} {
		if err := read(data); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("want %q: %v", text, err)
		}
	}
}

// Every file with a byte changed or an end missing gives rows or an error.
func TestDamaged(t *testing.T) {
	for _, name := range []string{"groups", "second"} {
		good := load(t, name+".parquet")
		for i := 0; i < len(good); i += 37 {
			bad := bytes.Clone(good)
			bad[i] ^= byte(1 << (i % 8))
			_ = read(bad)
		}
	}
}

// FuzzRead holds that no file makes the reader fail otherwise than by an error.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"default", "groups", "plain", "second", "none", "lz4", "delta"} {
		f.Add(load(f, name+".parquet"))
	}
	f.Fuzz(func(_ *testing.T, data []byte) { _ = read(data) })
}
