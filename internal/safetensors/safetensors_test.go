// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func sample() *File {
	return &File{
		Metadata: []Metadata{{"format", "goqat"}, {"text", "<\"ä\\\n\u2028>"}},
		Tensors: []Tensor{
			{"wide", "F64", []int{2}, make([]byte, 16)},
			{"scalar", "I32", nil, []byte{1, 2, 3, 4}},
			{"empty", "F32", []int{0, 3}, []byte{}},
			{"codes \"q\"", "U8", []int{1, 3}, []byte{7, 8, 9}},
		},
	}
}

// encode returns the bytes of a file, without a digest as others write it.
func encode(t testing.TB, f *File, digest bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if digest {
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	header, err := f.header(f.Metadata)
	if err == nil {
		err = f.write(&b, header)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(b []byte) (*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// file puts a header before data bytes.
func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

// same compares files; an absent and an empty shape are the same.
func same(a, b *File) bool {
	norm := func(f *File) *File {
		c := &File{Metadata: append([]Metadata{}, f.Metadata...)}
		for _, t := range f.Tensors {
			c.Tensors = append(c.Tensors, Tensor{t.Name, t.DType, append([]int{}, t.Shape...), append([]byte{}, t.Data...)})
		}
		return c
	}
	return reflect.DeepEqual(norm(a), norm(b))
}

func TestRoundTrip(t *testing.T) {
	for _, f := range []*File{sample(), {}, {Metadata: []Metadata{{"", ""}}}, {Tensors: sample().Tensors[1:2]}} {
		for _, digest := range []bool{false, true} {
			b := encode(t, f, digest)
			if !bytes.Equal(b, encode(t, f, digest)) {
				t.Fatal("two writes differ")
			}
			if n := binary.LittleEndian.Uint64(b); (8+n)%alignment != 0 {
				t.Errorf("data starts at %d", 8+n)
			}
			got, err := decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if !same(f, got) {
				t.Errorf("read %+v, wrote %+v", got, f)
			}
			if digest != (got.Digest != "") || digest && !bytes.HasPrefix(b[8:], []byte(digestPrefix+got.Digest)) {
				t.Errorf("digest %q", got.Digest)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	f := sample()
	if v, ok := f.Value("format"); v != "goqat" || !ok {
		t.Error("format not found")
	}
	if _, ok := f.Value("absent"); ok {
		t.Error("absent key found")
	}
	if x := f.Tensor("scalar"); x != &f.Tensors[1] || f.Tensor("absent") != nil {
		t.Error("tensor lookup")
	}
}

// TestDigestNoticesEveryByte changes each byte of a file with a digest: none is read.
func TestDigestNoticesEveryByte(t *testing.T) {
	b := encode(t, sample(), true)
	for i := range b {
		for _, flip := range []byte{1, 0x20, 0x80, 0xff} {
			b[i] ^= flip
			if f, err := decode(b); err == nil && f.Digest != "" {
				t.Fatalf("byte %d changed by %#x: read", i, flip)
			}
			b[i] ^= flip
		}
	}
	b[len(b)-1] ^= 1
	if _, err := decode(b); !errors.Is(err, ErrDigest) {
		t.Errorf("error %v, want ErrDigest", err)
	}
}

func TestReadAcceptsOtherWriters(t *testing.T) {
	// Any order of keys and tensors, white space, escapes.
	b := file("{ \"b\" : {\"data_offsets\":[2, 4],\"shape\":[1],\"dtype\":\"F16\"},\n\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\t\"__metadata__\":{}} \n", 4)
	f, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors) != 2 || f.Tensors[0].Name != "a" || f.Tensors[1].DType != "F16" {
		t.Errorf("%+v", f)
	}
}

// TestReadPython reads what the format's reference implementation (safetensors 0.8.0 for Python) wrote:
// save_file({"a": arange(6, float32) as 2x3, "b": int8 3}, metadata={"m": "ü"}).
func TestReadPython(t *testing.T) {
	b := file(`{"__metadata__":{"m":"ü"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I8","shape":[],"data_offsets":[24,25]}}`, 0)
	b = append(b, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40, 0, 0, 0xa0, 0x40, 3)
	f, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := f.Value("m"); m != "ü" || f.Tensor("a").Shape[1] != 3 || f.Tensor("b").Data[0] != 3 {
		t.Errorf("%+v", f)
	}
}

func TestReadRefuses(t *testing.T) {
	const u8 = `"dtype":"U8"`
	for _, c := range []struct {
		header string
		data   int
		want   string
	}{
		{``, 0, "'{' expected"},
		{`[]`, 0, "'{' expected"},
		{`{`, 0, "expected"},
		{`{}x`, 0, "more text"},
		{`{}`, 1, "1 bytes follow"},
		{`{"a":1}`, 0, "'{' expected"},
		{`{"a":{}}`, 0, "lacks"},
		{`{"a":{` + u8 + `,"shape":[1]}}`, 1, `lacks ["data_offsets"]`},
		{`{"a":{` + u8 + `,` + u8 + `,"shape":[1],"data_offsets":[0,1]}}`, 1, "there twice"},
		{`{"a":{` + u8 + `,"shape":[1],"data_offsets":[0,1],"x":1}}`, 1, `"x" unknown`},
		{`{"a":{` + u8 + `,"shape":[1],"data_offsets":[0]}}`, 1, "two offsets"},
		{`{"a":{` + u8 + `,"shape":[1],"data_offsets":[0,1,2]}}`, 1, "two offsets"},
		{`{"a":{` + u8 + `,"shape":[1.5],"data_offsets":[0,1]}}`, 1, "expected"},
		{`{"a":{` + u8 + `,"shape":[-1],"data_offsets":[0,1]}}`, 1, "whole number"},
		{`{"a":{` + u8 + `,"shape":[01],"data_offsets":[0,1]}}`, 1, "whole number"},
		{`{"a":{` + u8 + `,"shape":[99999999999999999999],"data_offsets":[0,1]}}`, 1, "whole number"},
		{`{"a":{` + u8 + `,"shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0, "too large"},
		{`{"a":{` + u8 + `,"shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}`, 1, "too many sizes"},
		{`{"a":{` + u8 + `,"shape":[2],"data_offsets":[0,1]}}`, 1, "takes 2 bytes"},
		{`{"a":{` + u8 + `,"shape":[1],"data_offsets":[1,0]}}`, 1, "starts at 1"},
		{`{"a":{` + u8 + `,"shape":[2],"data_offsets":[0,2]}}`, 1, "cut short"},
		{`{"a":{` + u8 + `,"shape":[2],"data_offsets":[0,2]},"b":{` + u8 + `,"shape":[2],"data_offsets":[1,3]}}`, 3, "starts at 1 where"},
		{`{"a":{` + u8 + `,"shape":[1],"data_offsets":[0,1]},"b":{` + u8 + `,"shape":[1],"data_offsets":[2,3]}}`, 3, "starts at 2 where"},
		{`{"a":{` + u8 + `,"shape":[1],"data_offsets":[0,1]},"a":{` + u8 + `,"shape":[1],"data_offsets":[1,2]}}`, 2, `"a" is there twice`},
		{`{"a":{"dtype":"U9","shape":[1],"data_offsets":[0,1]}}`, 1, `unknown type "U9"`},
		{`{"":{` + u8 + `,"shape":[1],"data_offsets":[0,1]}}`, 1, "without a name"},
		{`{"__metadata__":{},"__metadata__":{}}`, 0, "there twice"},
		{`{"__metadata__":{"a":"","a":""}}`, 0, "there twice"},
		{`{"__metadata__":{"a":1}}`, 0, "'\"' expected"},
		{"{\"__metadata__\":{\"a\":\"\xff\"}}", 0, "UTF-8"},
		{"{\"__metadata__\":{\"a\":\"\n\"}}", 0, "malformed string"},
		{`{"__metadata__":{"a":"\x"}}`, 0, "malformed string"},
		{`{"__metadata__":{"a":"`, 0, "without an end"},
		{`{"__metadata__":{"a":"\`, 0, "without an end"},
		{`{ "__metadata__":{"sha256":""}}`, 0, "does not start the header"},
		{digestPrefix + `00"}}`, 0, "malformed digest"},
		{digestPrefix + strings.ToUpper(strings.Repeat("ab", 32)) + `"}}`, 0, "does not match"},
		{`{"__metadata__":{` + strings.Repeat(`"a":"",`, 9000) + `"b":""}}`, 0, "too many metadata"},
	} {
		if _, err := decode(file(c.header, c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.90s: error %v, want one with %q", c.header, err, c.want)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 7), {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'}} {
		if _, err := decode(b); err == nil {
			t.Errorf("%v read", b)
		}
	}
	whole := encode(t, sample(), false)
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes read", n, len(whole))
		}
		if _, err := Read(bytes.NewReader(whole[:n]), int64(len(whole))); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes that claim to be %d: %v", n, len(whole), err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	one := func(t Tensor) *File { return &File{Tensors: []Tensor{t}} }
	for want, f := range map[string]*File{
		`tensor ""`:             one(Tensor{"", "U8", nil, []byte{0}}),
		`tensor "__metadata__"`: one(Tensor{"__metadata__", "U8", nil, []byte{0}}),
		`tensor "a"`:            {Tensors: []Tensor{{"a", "U8", nil, []byte{0}}, {"a", "U8", nil, []byte{0}}}},
		`tensor "\xff"`:         one(Tensor{"\xff", "U8", nil, []byte{0}}),
		"unknown type":          one(Tensor{"a", "X", nil, []byte{0}}),
		"takes 4 bytes":         one(Tensor{"a", "F32", nil, []byte{0}}),
		"negative":              one(Tensor{"a", "U8", []int{-1, -1}, []byte{0}}),
		`metadata key "k"`:      {Metadata: []Metadata{{"k", ""}, {"k", ""}}},
		`metadata key "sha256"`: {Metadata: []Metadata{{"sha256", ""}}},
		`metadata "k" is not`:   {Metadata: []Metadata{{"k", "\xff"}}},
	} {
		var b bytes.Buffer
		if err := f.Write(&b); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("error %v and %d bytes, want an error with %q and none", err, b.Len(), want)
		}
	}
	if err := sample().Write(failing{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v of a full disk", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestReadHostileHeaderStaysSmall reads headers built to blow up and counts all memory ever taken.
func TestReadHostileHeaderStaysSmall(t *testing.T) {
	took := func(b []byte, size int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(bytes.NewReader(b), size)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%.90q: read", b)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	for name, part := range map[string]string{
		"tensors":  `"%":{"dtype":"U8","shape":[0,0,0,0,0,0,0,0],"data_offsets":[0,0]},`,
		"metadata": `"__metadata__":{` + strings.Repeat(`"a":"",`, 100),
		"shapes":   `"%":{"shape":[` + strings.Repeat("0,", 1000),
		"brackets": strings.Repeat("[", 1000),
		"objects":  strings.Repeat(`{"a":`, 200),
		"string":   strings.Repeat(`aaaaaaaaaa`, 200),
		"escapes":  `"__metadata__":{"a":"` + strings.Repeat(`\\`, 1<<20) + strings.Repeat(`\u0041`, 1<<18) + `"},`,
		"names":    `"` + strings.Repeat(`\u0041`, 1<<19) + `":{"dtype":"U8"},`,
	} {
		header := "{" + strings.Repeat(part, 4<<20/len(part))
		b := file(header, 0)
		if took := took(b, int64(len(b))); took > 2*uint64(len(b))+1<<20 {
			t.Errorf("%s: took %d bytes for a file of %d", name, took, len(b))
		}
	}

	// Files of some bytes that claim to be huge.
	const little = 1 << 16
	empty := file("{}", 0)
	for _, size := range []int64{1 << 20, 1 << 40, 1<<63 - 1} {
		if took := took(empty, size); took > little {
			t.Errorf("a file said to be of %d bytes took %d", size, took)
		}
	}
	for _, n := range []uint64{uint64(len(empty)) - 7, maxHeader, maxHeader + 1, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 8, 1<<64 - 1} {
		b := binary.LittleEndian.AppendUint64(nil, n)
		b = append(b, empty[8:]...)
		if took := took(b, int64(len(b))); took > little {
			t.Errorf("a header said to be of %d bytes took %d", n, took)
		}
	}
	for _, entry := range []string{
		`"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]`,
		`"dtype":"F64","shape":[140737488355328],"data_offsets":[0,1125899906842624]`,
		`"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]`,
		`"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]`,
		`"dtype":"I64","shape":[4294967296,4294967296],"data_offsets":[0,0]`,
		`"dtype":"I64","shape":[2305843009213693952,8],"data_offsets":[0,0]`,
		`"dtype":"U8","shape":[4],"data_offsets":[18446744073709551612,0]`,
		`"dtype":"U8","shape":[99999999999999999999999],"data_offsets":[0,4]`,
	} {
		b := file(`{"a":{`+entry+`}}`, 4)
		if took := took(b, int64(len(b))); took > little {
			t.Errorf("%s took %d bytes", entry, took)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encode(f, sample(), true))
	f.Add(encode(f, sample(), false))
	f.Add(file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(encode(t, got, got.Digest != ""))
		if err != nil || !same(got, again) {
			t.Fatalf("read %+v, and after writing it %+v, %v", got, again, err)
		}
	})
}
