// SPDX-License-Identifier: Apache-2.0

package simd128

import (
	"errors"
	"slices"
	"strings"
	"syscall/js"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestRefusals: where JavaScript is not as Go's own wasm_exec.js makes it, the module is refused with the reason, and what was
// there is there again.
func TestRefusals(t *testing.T) {
	global, object := js.Global(), js.Global().Get("Object")
	class := global.Get("Go")
	defer global.Set("Go", class)
	prototype := class.Get("prototype")
	before := prototype.Get(maker)
	for _, c := range []struct {
		name string
		host func() js.Value // the class Go
		want string
	}{
		{"no class", js.Undefined, "no class Go"},
		{"an object", func() js.Value { return object.New() }, "no class Go"},
		{"no such method", func() js.Value { return object }, "no class Go with a method"},
		{"another class", func() js.Value {
			other := global.Get("Function").New()
			other.Get("prototype").Set(maker, before)
			return other
		}, "not the one that runs this program"},
	} {
		global.Set("Go", c.host())
		if err := load(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		global.Set("Go", class)
		if !prototype.Get(maker).Equal(before) {
			t.Fatalf("%s: %s is not what it was", c.name, maker)
		}
	}
	if err := load(); err != nil {
		t.Error(err)
	}
}

// TestMemory finds the memory of this program under any name, and no other memory.
func TestMemory(t *testing.T) {
	program, err := self()
	if err != nil {
		t.Fatal(err)
	}
	memory, err := memoryOf(program)
	if err != nil {
		t.Fatal(err)
	}
	foreign := js.Global().Get("WebAssembly").Get("Memory").New(map[string]any{"initial": 1})
	large := js.Global().Get("WebAssembly").Get("Memory").New(map[string]any{"initial": memory.Get("buffer").Get("byteLength").Int() >> 16})
	for _, c := range []struct {
		memories map[string]any
		found    bool
	}{
		{map[string]any{"mem": foreign}, false}, {map[string]any{"mem": large}, false}, {map[string]any{}, false},
		{map[string]any{"mem": foreign, "another": memory}, true},
	} {
		prototype := js.Global().Get("WebAssembly").Get("Instance").Get("prototype")
		instance := js.Global().Get("Object").Call("create", prototype, map[string]any{"exports": map[string]any{"value": c.memories}})
		got, err := memoryOf(js.ValueOf(map[string]any{"module": 1, "instance": instance}))
		if found := err == nil; found != c.found || found && !got.Equal(memory) {
			t.Errorf("%v: %v, %v", c.memories, got, err)
		}
	}
}

// TestWithoutModule: where the module is refused, the loops are those of portable Go.
func TestWithoutModule(t *testing.T) {
	load := permit
	defer func() { permit = load }()
	permit = func() error { return errors.New("no module") }
	c := kernel.Conv{InH: 4, InW: 4, InC: 16, OutH: 4, OutW: 4, OutC: 16, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1, Max: 255}
	weights := slices.Repeat([]int8{1}, 16*16)
	if name := kernel.NameOf(Set.Plan(c, weights), ""); name != "generic" {
		t.Error(name)
	}
	acc, x := make([]int32, 16), slices.Repeat([]uint8{3}, c.InLen())
	Set.SumPool(kernel.NewWindow(c), acc, x, 0, 1)
	if acc[0] != 3 {
		t.Error(acc)
	}
}
