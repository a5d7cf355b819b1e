// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// MarshalText is for encoding/json, the reference.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// TestCodec writes random structures as encoding/json does and reads them again.
func TestCodec(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	name := func() string {
		text := make([]rune, rng.IntN(9))
		for i := range text {
			text[i] = []rune("a1.<>&\"\\/\n\x01\x7fé\u2028\U0001f600")[rng.IntN(14)]
		}
		return string(text)
	}
	some := func() int { return max(0, rng.IntN(20)-10) }
	for range 2000 {
		g := graph{Tensors: []Tensor{}, Operators: []Operator{}}
		for range rng.IntN(4) {
			g.Tensors = append(g.Tensors, Tensor{
				Name: name(), Height: some(), Width: -some(), Channels: int(rng.Int32()), Kind: Kind(rng.IntN(3)), Bits: some(), Signs: rng.IntN(2) > 0,
				ZeroPoint: int32(-some()), Range: [2]int32{int32(some()), int32(some())}, ScaleBits: rng.Uint32() << (16 * rng.IntN(3)),
			})
		}
		for range rng.IntN(4) {
			o := Operator{
				Name: name(), Op: name(), Method: name(), Inputs: []int{}, Output: some(), Kernel: [2]int{some(), some()}, Stride: [2]int{some(), some()},
				Pad: [4]int{some(), some(), some(), some()}, Groups: some(),
			}
			for range rng.IntN(maxInputs + 1) {
				o.Inputs = append(o.Inputs, some())
			}
			if rng.IntN(2) > 0 {
				o.Weights = &Weights{Bits: some(), Coding: Coding(name()), Planes: some(), Packing: Packing(name())}
			}
			g.Operators = append(g.Operators, o)
		}
		in := Input{Height: some(), Width: some(), Channels: -some(), ZeroPoints: []int32{}, ScaleBits: []uint32{}}
		if rng.IntN(2) == 0 {
			in.Samples = &Samples{[]int32{int32(some())}, []uint32{rng.Uint32(), rng.Uint32()}}
		}
		for range rng.IntN(4) {
			in.ZeroPoints, in.ScaleBits = append(in.ZeroPoints, -int32(some())), append(in.ScaleBits, rng.Uint32())
		}
		data := Data{name(), some(), []string{"", "crop", name()}[rng.IntN(3)]}
		classes := []string{name(), name()}
		var gotGraph graph
		var gotInput Input
		var gotData Data
		var gotClasses []string
		for _, c := range []struct {
			v, got          any
			describe, again func(*codec)
		}{
			{&g, &gotGraph, g.describe, gotGraph.describe}, {&in, &gotInput, in.describe(Version), gotInput.describe(Version)}, {&data, &gotData, data.describe, gotData.describe},
			{&classes, &gotClasses, describeClasses(&classes), describeClasses(&gotClasses)},
		} {
			want, err := json.Marshal(c.v)
			if err != nil {
				t.Fatal(err)
			}
			text := encode(c.describe)
			if text != string(want) {
				t.Fatalf("wrote %s, want %s", text, want)
			}
			if err := decode(text, c.again); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if again, _ := json.Marshal(c.got); string(again) != text {
				t.Fatalf("read %s, want %s", again, text)
			}
			var bytes any = reflect.New(reflect.TypeOf(c.got).Elem()).Interface()
			spelled := encodeBytes(c.describe)
			if err := decodeBytes(spelled, describer(bytes)); err != nil || !reflect.DeepEqual(bytes, c.got) {
				t.Fatalf("%s is %x in bytes, read as %+v, %v", text, spelled, bytes, err)
			}
			for n := range spelled {
				if decodeBytes(spelled[:n], describer(reflect.New(reflect.TypeOf(c.got).Elem()).Interface())) == nil {
					t.Fatalf("%d of %x are read", n, spelled)
				}
			}
			for range 5 { // what is cut or changed is refused, or differs
				changed := []byte(text)
				i := rng.IntN(len(changed))
				changed[i] ^= 1 << rng.IntN(7)
				fresh := reflect.New(reflect.TypeOf(c.got).Elem())
				describe := describer(fresh.Interface())
				if err := decode(string(changed), describe); err == nil && reflect.DeepEqual(fresh.Interface(), c.got) {
					t.Fatalf("%s is read as %s", changed, text)
				}
				if decode(text[:i], describer(reflect.New(reflect.TypeOf(c.got).Elem()).Interface())) == nil {
					t.Fatalf("%s is read", text[:i])
				}
			}
		}
	}
}

func describer(v any) func(*codec) {
	switch v := v.(type) {
	case *graph:
		return v.describe
	case *Input:
		return v.describe(Version)
	case *Data:
		return v.describe
	default:
		return describeClasses(v.(*[]string))
	}
}

// TestHostileGraphTakesLittleMemory decodes texts that are built to blow up: it takes at most twice their size and 1 MB.
func TestHostileGraphTakesLittleMemory(t *testing.T) {
	const tensor = `{"name":"","height":1,"width":1,"channels":1,"kind":"codes","bits":8}`
	for name, text := range map[string]string{
		"field":     `{"` + strings.Repeat("a", maxGraph-10),
		"tensors":   `{"tensors":[` + strings.Repeat(tensor+",", maxGraph/len(tensor)-10),
		"operators": `{"tensors":[],"operators":[` + strings.Repeat(`{"name":"","op":"","inputs":[],"output":0,"weights":{"bits":0}},`, maxGraph/80),
		"inputs":    `{"tensors":[],"operators":[{"name":"","op":"","inputs":[` + strings.Repeat("0,", maxGraph/3),
		"name":      `{"tensors":[{"name":"` + strings.Repeat(`\u0061`, maxGraph/8) + `"`,
		"numbers":   `{"tensors":[{"name":"","height":` + strings.Repeat("1", maxGraph/2),
		"classes":   `["` + strings.Repeat(`","`, maxGraph/4),
	} {
		var before, after runtime.MemStats
		for _, describe := range []func(*codec){new(graph).describe, describeClasses(new([]string))} {
			runtime.ReadMemStats(&before)
			err := decode(text, describe)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > uint64(2*len(text)+1<<20) {
				t.Errorf("%s: %d bytes of text took %d, error %v", name, len(text), took, err)
			}
		}
	}
}

// TestHostileBytesOfGraphTakeLittleMemory decodes bytes that stand for as much as they can: it takes what the greatest graph does.
func TestHostileBytesOfGraphTakeLittleMemory(t *testing.T) {
	length := func(n int64) string { return string(binary.AppendVarint(nil, n)) }
	operator := length(0) + length(0) + "\x00" + length(maxInputs) + strings.Repeat("\x00", maxInputs+11)
	arrays := length(maxArrays) + strings.Repeat("\x00\x00"+length(maxRank)+strings.Repeat("\x00", maxRank), maxArrays)
	for name, text := range map[string]string{
		"tensors":   length(maxOperators+1) + strings.Repeat("\x00", maxGraph-10),
		"operators": length(0) + length(maxOperators) + strings.Repeat(operator, maxOperators),
		"arrays":    length(0) + length(maxOperators) + strings.Repeat(operator, maxOperators) + strings.Repeat(arrays, maxOperators),
		"name":      length(1) + length(1<<40),
		"number":    strings.Repeat("\xff", 1<<20),
		"negative":  length(-1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decodeBytes([]byte(text), (&compactGraph{graph: new(graph)}).describe)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 || err == nil && name != "arrays" {
			t.Errorf("%s: %d bytes took %d, error %v", name, len(text), took, err)
		}
	}
}
