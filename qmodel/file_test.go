// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/qmodel"
)

func tiny() *qmodel.Model { return qmodeltest.Tiny(rand.New(rand.NewPCG(1, 2))) }

func write(t testing.TB, m *qmodel.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(b []byte) (*qmodel.Model, error) { return qmodel.Read(bytes.NewReader(b), int64(len(b))) }

// digestStart is where the digits of the digest are in the file.
const digestStart = 8 + len(`{"__metadata__":{"sha256":"`)

// redigest puts the right digest in the head of b, by the definition.
func redigest(b []byte) {
	if len(b) < digestStart+64 {
		return
	}
	digits := b[digestStart : digestStart+64]
	copy(digits, strings.Repeat("0", 64))
	sum := sha256.Sum256(b)
	hex.Encode(digits, sum[:])
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(50) {
		m := qmodeltest.Tiny(rand.New(rand.NewPCG(seed, 0)))
		b := write(t, m)
		got, err := read(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, got) {
			t.Fatalf("wrote %+v, read %+v", m, got)
		}
		if !bytes.Equal(b, write(t, got)) {
			t.Fatal("two writes differ")
		}
		want := bytes.Clone(b)
		redigest(want)
		if !bytes.Equal(b, want) {
			t.Fatal("the digest is not the SHA-256 of the file with zeros in its place")
		}
	}
}

func TestFileIsCompactAndPlain(t *testing.T) {
	m := tiny()
	b := write(t, m)
	f, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range m.Operators {
		total := 0
		for _, x := range f.Tensors {
			if strings.HasPrefix(x.Name, o.Name+".") {
				total += len(x.Data)
			}
		}
		if total != m.PayloadBytes(i) {
			t.Errorf("%s: %d bytes in the file, PayloadBytes %d", o.Name, total, m.PayloadBytes(i))
		}
		if w := o.Weights; w != nil {
			per := map[int]int{1: 8, 2: 4, 4: 2, 8: 1}[w.Bits]
			if got, want := len(f.Tensor(o.Name+".weight").Data), (w.Len()+per-1)/per; got != want {
				t.Errorf("%s: %d weights of %d bits take %d bytes, want %d", o.Name, w.Len(), w.Bits, got, want)
			}
		}
	}
	for key, want := range map[string]string{"format": "qmodel", "version": "2", "classes": `["class 0","class 1","class 2"]`} {
		if v, _ := f.Value(key); v != want {
			t.Errorf("metadata %q is %q, want %q", key, v, want)
		}
	}
}

// TestCorruptionIsRefused changes one byte of a file, 10,000 times.
func TestCorruptionIsRefused(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	b := write(t, tiny())
	for range 10000 {
		i, flip := rng.IntN(len(b)), byte(1+rng.IntN(255))
		b[i] ^= flip
		if _, err := read(b); err == nil {
			t.Fatalf("byte %d changed by %#x: read", i, flip)
		}
		b[i] ^= flip
	}
	for n := 0; n < len(b); n += 7 {
		if _, err := read(b[:n]); err == nil {
			t.Fatalf("%d of %d bytes read", n, len(b))
		}
	}
}

// TestHostileBytes corrupts files with a right digest: what is read nevertheless is valid and writes again.
func TestHostileBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	whole := write(t, tiny())
	accepted := 0
	for range 10000 {
		b := bytes.Clone(whole)
		for range 1 + rng.IntN(3) {
			i := rng.IntN(len(b))
			b[i] = []byte{b[i] ^ 1<<rng.IntN(8), byte(rng.Uint32()), '0' + byte(rng.IntN(10)), ','}[rng.IntN(4)]
		}
		redigest(b)
		m, err := read(b)
		if err != nil {
			continue
		}
		accepted++
		write(t, m)
	}
	if accepted == 0 || accepted == 10000 {
		t.Errorf("%d of 10000 read", accepted)
	}
}

// TestHostileBytesTakeLittleMemory corrupts headers with a right digest and in front of many zeros: what is refused has
// taken at most twice the size of the file and 1 MB.
func TestHostileBytesTakeLittleMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	whole := write(t, tiny())
	header := 8 + int(binary.LittleEndian.Uint64(whole))
	for range 1000 {
		b := append(bytes.Clone(whole), make([]byte, rng.IntN(1<<16))...)
		for range 1 + rng.IntN(3) {
			b[rng.IntN(header)] = []byte{byte(rng.Uint32()), '9', '[', '{'}[rng.IntN(4)]
		}
		redigest(b)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(b)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; err != nil && taken > uint64(2*len(b)+1<<20) {
			t.Fatalf("refusing %d bytes (%v) took %d", len(b), err, taken)
		}
	}
}

// edit reads the container of a model, changes it, and returns the file with a right digest.
func edit(t *testing.T, change func(f *safetensors.File)) []byte {
	t.Helper()
	b := write(t, tiny())
	f, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// replace changes text in a metadata entry, where it must occur.
func replace(key, from, to string) func(f *safetensors.File) {
	return func(f *safetensors.File) {
		for i := range f.Metadata {
			if f.Metadata[i].Key == key {
				if !strings.Contains(f.Metadata[i].Value, from) {
					panic(key + " does not contain " + from)
				}
				f.Metadata[i].Value = strings.Replace(f.Metadata[i].Value, from, to, 1)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *safetensors.File)
		want   string
	}{
		{"format", replace("format", "qmodel", "other"), "not a .qmodel"},
		{"no version", replace("version", "2", ""), "malformed version"},
		{"version 0", replace("version", "2", "0"), "malformed version"},
		{"version 02", replace("version", "2", "02"), "malformed version"},
		{"newer", replace("version", "2", strconv.Itoa(qmodel.Version+1)), "newer version"},
		{"older", replace("version", "2", "1"), "8 entries, want 7"},
		{"missing metadata", func(f *safetensors.File) { f.Metadata = slices.Delete(f.Metadata, 6, 7) }, `"graph" is missing`},
		{"missing data", func(f *safetensors.File) { f.Metadata = f.Metadata[:7] }, `"data" is missing`},
		{"scales of channels", replace("input", `"scale_bits":[1065353216]`, `"scale_bits":[1065353216,1065353216]`), "2 scales"},
		{"weights missing", replace("graph", `,"weights":{"bits":8}`, ""), "weights are missing"},
		{"no window", replace("graph", `"kernel":[3,2]`, `"kernel":[-3,2]`), "kernel [-3 2]"},
		{"more metadata", func(f *safetensors.File) { f.Metadata = append(f.Metadata, safetensors.Metadata{Key: "x"}) }, "9 entries"},
		{"unknown field", replace("graph", `"height":`, `"x":1,"height":`), "not in the form"},
		{"field twice", replace("graph", `"height":6`, `"height":6,"height":6`), "not in the form"},
		{"other case", replace("graph", `"height":6`, `"HEIGHT":6`), "not in the form"},
		{"longer kernel", replace("graph", `"kernel":[3,2]`, `"kernel":[3,2,1]`), "not in the form"},
		{"white space", replace("graph", `,`, `, `), "not in the form"},
		{"more text", func(f *safetensors.File) { f.Metadata[6].Value += "x" }, "not in the form"},
		{"no JSON", func(f *safetensors.File) { f.Metadata[6].Value = "{" }, "graph"},
		{"unknown kind", replace("graph", `"kind":"codes"`, `"kind":"floats"`), "a kind of tensor expected"},
		{"huge number", replace("graph", `"height":6`, `"height":99999999999999999999`), "graph"},
		{"null", replace("graph", `"inputs":[0]`, `"inputs":null`), "not in the form"},
		{"leading zero", replace("graph", `"height":6`, `"height":06`), "another spelling"},
		{"zero", replace("graph", `"output":1`, `"output":-0`), "not in the form"},
		{"escape", replace("graph", `"codes"`, `"\u0063odes"`), "another spelling"},
		{"no range", replace("graph", `"scale_bits":`, `"range":[0,0],"scale_bits":`), "another spelling"},
		{"many inputs", replace("graph", `"inputs":[0]`, `"inputs":[0,0,0,0,0,0,0,0,0]`), "part of version 4"},
		{"more inputs", replace("graph", `"inputs":[0]`, `"inputs":[0`+strings.Repeat(",0", 64)+`]`), "at most 64"},
		{"many objects", func(f *safetensors.File) { f.Metadata[6].Value = strings.Repeat("{", 1<<15) }, "not in the form"},
		{"long list", func(f *safetensors.File) { f.Metadata[4].Value = "[" + strings.Repeat(`"",`, 1<<17) }, "at most"},
		{"long text", func(f *safetensors.File) { f.Metadata[6].Value = strings.Repeat(" ", 1<<23) }, "more than"},
		{"missing tensor", func(f *safetensors.File) { f.Tensor("conv2d1.shift").Name = "x" }, "\"conv2d1.shift\" is missing"},
		{"more tensors", func(f *safetensors.File) {
			f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "x", DType: "U8", Data: []byte{0}})
		}, `"x" belongs to no operator`},
		{"shape", func(f *safetensors.File) { f.Tensor("table0.table").Shape = []int{1, 256} }, "table0.table"},
		{"type", func(f *safetensors.File) { f.Tensor("table0.table").DType = "I8" }, "table0.table"},
		{"code -2", func(f *safetensors.File) { f.Tensor("conv2d3.weight").Data[0] = 0xaa }, "weight 0 is -2"},
	} {
		if _, err := read(edit(t, c.change)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := read(edit(t, replace("version", "2", strconv.Itoa(qmodel.Version+1)))); !errors.Is(err, qmodel.ErrNewer) {
		t.Errorf("newer version: %v is not ErrNewer", err)
	}
	plain := func() []byte { // the same container without a digest
		const digest = len(`"sha256":"",`) + 64
		b := write(t, tiny())
		copy(b[8+len(`{"__metadata__":{`):], strings.Repeat(" ", digest))
		return b
	}
	if _, err := read(plain()); err == nil || !strings.Contains(err.Error(), "digest") {
		t.Errorf("without a digest: %v", err)
	}
	b := write(t, tiny())
	b[len(b)-1] ^= 1
	if _, err := read(b); !errors.Is(err, safetensors.ErrDigest) {
		t.Errorf("changed byte: %v is not ErrDigest", err)
	}
}

// FuzzRead changes files with a right digest. What is read is valid and comes back equal.
func FuzzRead(f *testing.F) {
	whole := write(f, tiny())
	f.Add(whole)
	f.Add(write(f, binaryModel()))
	f.Add(write(f, dense()))
	f.Add(write(f, qmodeltest.Compact(tiny())))
	f.Add(write(f, qmodeltest.Compact(dense())))
	f.Add(whole[:binary.LittleEndian.Uint64(whole)+8])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		redigest(b)
		m, err := read(b)
		if err != nil {
			return
		}
		again, err := read(write(t, m))
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("read %+v, and after writing it %+v, %v", m, again, err)
		}
	})
}

// TestPayloadOfFewBits compares a layer of few bits, multipliers and all, with the same of 8.
func TestPayloadOfFewBits(t *testing.T) {
	payload := func(f qmodeltest.Form) int {
		b := qmodeltest.New(rand.New(rand.NewPCG(1, 6)), 4, 4, 64)
		f.CodeBits = 4
		return b.Finish(b.Flatten(b.ConvForm(0, qmodeltest.Square(3, 1, 1), 64, 1, f)), 2).PayloadBytes(0)
	}
	whole := payload(qmodeltest.Form{WeightBits: 8})
	for _, c := range []struct {
		name    string
		form    qmodeltest.Form
		percent int
	}{
		{"4 bits", qmodeltest.Form{WeightBits: 4}, 55},
		{"ternary", qmodeltest.Form{WeightBits: 2}, 30},
		{"split ternary", qmodeltest.Form{WeightBits: 2, Coding: qmodel.Split}, 30},
		{"dense 3 bits", qmodeltest.Form{WeightBits: 3, Packing: qmodel.Dense}, 43},
		{"dense ternary", qmodeltest.Form{WeightBits: 2, Packing: qmodel.Dense}, 25},
		{"binary", qmodeltest.Form{WeightBits: 1}, 17},
	} {
		if got := payload(c.form); 100*got > c.percent*whole {
			t.Errorf("%s: %d bytes, more than %d%% of the %d of 8 bits", c.name, got, c.percent, whole)
		}
	}
}
