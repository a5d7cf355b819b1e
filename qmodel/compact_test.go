// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/qmodel"
)

// TestCompactFile: every kind of model comes back equal from a compact file, which has the numbers of the other and is shorter.
func TestCompactFile(t *testing.T) {
	for seed := range uint64(70) {
		m := []func(*rand.Rand) *qmodel.Model{qmodeltest.Tiny, qmodeltest.Wide, qmodeltest.Branches, qmodeltest.Gated, qmodeltest.Ranged, qmodeltest.Dense, qmodeltest.Binary}[seed%7](rand.New(rand.NewPCG(seed, 5)))
		plain, numbers := write(t, m), 0
		for i := range m.Operators {
			numbers += m.PayloadBytes(i)
		}
		b := write(t, qmodeltest.Compact(m))
		got, err := read(b)
		if err != nil || !reflect.DeepEqual(got, m) || !bytes.Equal(write(t, got), b) {
			t.Fatalf("seed %d: error %v, read\n%+v\nwant\n%+v", seed, err, got, m)
		}
		f, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if x := f.Tensor("numbers"); len(f.Tensors) != 2 || x.DType != "U8" || len(x.Data) != numbers {
			t.Errorf("seed %d: %d tensors, numbers %s %v, want U8 [%d]", seed, len(f.Tensors), x.DType, x.Shape, numbers)
		}
		if graph := len(f.Tensor("graph").Data); 3*graph > len(plain)-numbers {
			t.Errorf("seed %d: the graph takes %d bytes, all but the numbers of the other file %d", seed, graph, len(plain)-numbers)
		}
	}
}

// TestRepack: a model packed densely and back is the model that it was, and its file is shorter in between.
func TestRepack(t *testing.T) {
	for seed := range uint64(35) {
		m := []func(*rand.Rand) *qmodel.Model{qmodeltest.Tiny, qmodeltest.Wide, qmodeltest.Branches, qmodeltest.Dense, qmodeltest.Binary}[seed%5](rand.New(rand.NewPCG(seed, 6)))
		m.Repack(qmodel.Aligned)
		aligned := write(t, m)
		m.Repack(qmodel.Dense)
		dense := write(t, m)
		if m.Version != qmodel.Compact || len(dense) >= len(aligned) {
			t.Errorf("seed %d: version %d, %d bytes packed densely, %d aligned", seed, m.Version, len(dense), len(aligned))
		}
		for _, o := range m.Operators {
			if w := o.Weights; w != nil && w.Densest() != w {
				t.Errorf("seed %d: %s can be packed in fewer bytes", seed, o.Name)
			}
		}
		if m.Repack(qmodel.Aligned); !bytes.Equal(write(t, m), aligned) {
			t.Errorf("seed %d: aligned again, the file is another", seed)
		}
	}
}

// TestCompactRefuses changes the tensors of a compact file.
func TestCompactRefuses(t *testing.T) {
	graph := func(from, to string) func(f *safetensors.File) {
		return func(f *safetensors.File) {
			x := &f.Tensors[0]
			if !bytes.Contains(x.Data, []byte(from)) {
				panic("the graph does not contain " + from)
			}
			x.Data = bytes.Replace(x.Data, []byte(from), []byte(to), 1)
			x.Shape = []int{len(x.Data)}
		}
	}
	number := func(n int64) string { return string(binary.AppendVarint(nil, n)) }
	resize := func(x *safetensors.Tensor, by int) {
		x.Data = append(bytes.Clone(x.Data), make([]byte, max(0, by))...)[:len(x.Data)+by]
		x.Shape = []int{len(x.Data)}
	}
	// What stands for the weights of the first weighted operator, without its beginning and its shape, and for the image.
	m := tiny()
	var shape string
	weighted := slices.IndexFunc(m.Operators, func(o qmodel.Operator) bool { return o.Weights != nil })
	for _, n := range m.Operators[weighted].Weights.Shape {
		shape += number(int64(n))
	}
	first, x := number(1)+number(4)+shape, &m.Tensors[0]
	image := number(int64(len(x.Name))) + x.Name + number(int64(x.Height)) + number(int64(x.Width)) + number(int64(x.Channels))
	for _, c := range []struct {
		name   string
		change func(f *safetensors.File)
		want   string
	}{
		{"no numbers", func(f *safetensors.File) { f.Tensors = f.Tensors[:1] }, "graph and numbers"},
		{"other order", func(f *safetensors.File) { f.Tensors[0], f.Tensors[1] = f.Tensors[1], f.Tensors[0] }, "in this order"},
		{"other names", func(f *safetensors.File) { f.Tensors[0].Name = "structure" }, "no others"},
		{"a graph in JSON too", func(f *safetensors.File) {
			f.Metadata = append(f.Metadata, safetensors.Metadata{Key: "graph", Value: "{}"})
		}, "metadata of 8 entries, want 7"},
		{"fewer numbers", func(f *safetensors.File) { resize(&f.Tensors[1], -1) }, "bytes are there"},
		{"more numbers", func(f *safetensors.File) { resize(&f.Tensors[1], 3) }, "3 bytes that belong to no operator"},
		{"shorter graph", func(f *safetensors.File) { resize(&f.Tensors[0], -1) }, "not in the form"},
		{"longer graph", func(f *safetensors.File) { resize(&f.Tensors[0], 1) }, "the end expected"},
		{"unknown name", graph(number(0)+first, number(80)+first), "unknown name or type"},
		{"unknown type", graph(first, number(4)+number(4)+shape), "unknown name or type"},
		{"other name", graph(number(0)+first, number(3)+first), "\"conv2d1.weight\" is missing"},
		{"other type", graph(first, number(0)+number(4)+shape), "want I8"},
		{"negative size", graph(first, number(1)+number(4)+number(-3)+shape[1:]), "bytes are there"},
		{"huge size", graph(first, number(1)+number(4)+number(1<<40)+shape[1:]), "bytes are there"},
		{"a longer varint", graph(first, "\x82\x00"+number(4)+shape), "another spelling"},
		{"unknown kind", graph(image+number(0), image+number(9)), "kind of tensor"},
		{"no text", graph(x.Name, "\xff"+x.Name[1:]), "a text in UTF-8"},
	} {
		b := write(t, qmodeltest.Compact(tiny()))
		f, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		c.change(f)
		var out bytes.Buffer
		if err := f.Write(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := read(out.Bytes()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestHostileCompactBytes corrupts compact files with a right digest: what is read nevertheless is valid and comes back equal.
func TestHostileCompactBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 7))
	accepted := 0
	for _, m := range []*qmodel.Model{tiny(), dense(), qmodeltest.Branches(rng)} {
		whole := write(t, qmodeltest.Compact(m))
		for range 5000 {
			b := bytes.Clone(whole)
			for range 1 + rng.IntN(3) {
				i := rng.IntN(len(b))
				b[i] = []byte{b[i] ^ 1<<rng.IntN(8), byte(rng.Uint32()), b[i] + 2}[rng.IntN(3)]
			}
			redigest(b)
			m, err := read(b)
			if err != nil {
				continue
			}
			accepted++
			if again, err := read(write(t, m)); err != nil || !reflect.DeepEqual(m, again) {
				t.Fatalf("read %+v, and after writing it %+v, %v", m, again, err)
			}
		}
	}
	if accepted == 0 || accepted == 15000 {
		t.Errorf("%d of 15000 read", accepted)
	}
}
