// SPDX-License-Identifier: Apache-2.0

package simd128

import (
	"errors"
	"fmt"
	"sync"
	"syscall/js"
	"unsafe"
)

// supported: whether the host has SIMD is known when it compiles the module.
const supported = true

// shared is where the module reads its parameters. Memory of globals does not move, and what they point to is in use.
var shared parameters

var functions [len(names)]js.Value

// call calls a function of the module. JavaScript has one thread, which Go does not take from a goroutine in between.
func call(function int, p parameters) {
	shared = p
	functions[function].Invoke()
	shared = parameters{}
}

// permit compiles the module, once for all time.
var permit = sync.OnceValue(load)

// load compiles the module in the memory of this program. It says what the host does not have, and then nothing was changed.
func load() (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the host does not run WebAssembly's SIMD in the memory of Go: %v", fault)
		}
	}()
	program, err := self()
	if err != nil {
		return err
	}
	memory, err := memoryOf(program)
	if err != nil {
		return err
	}
	imports := map[string]any{"go": map[string]any{"memory": memory, "parameters": uintptr(unsafe.Pointer(&shared))}}
	bytes := js.Global().Get("Uint8Array").New(len(module))
	js.CopyBytesToJS(bytes, []byte(module))
	webAssembly := js.Global().Get("WebAssembly")
	instance := webAssembly.Get("Instance").New(webAssembly.Get("Module").New(bytes), imports)
	for i, name := range names {
		functions[i] = instance.Get("exports").Get(name)
	}
	return nil
}

// maker is the method of the class Go, of wasm_exec.js, by which syscall/js makes every function for JavaScript.
const maker = "_makeFuncWrapper"

// self returns the object of this program, which syscall/js does not tell: one call of maker is caught to see it. It is the only
// name of Go's that is taken for granted.
func self() (js.Value, error) {
	class := js.Global().Get("Go")
	if class.Type() != js.TypeFunction || class.Get("prototype").Get(maker).Type() != js.TypeFunction {
		return js.Value{}, fmt.Errorf("JavaScript has no class Go with a method %s, as Go's own wasm_exec.js has it", maker)
	}
	class = class.Get("prototype")
	original := class.Get(maker)
	var program js.Value
	catch := js.FuncOf(func(this js.Value, _ []js.Value) any {
		program = this
		return nil
	})
	defer catch.Release()
	class.Set(maker, catch)
	defer class.Set(maker, original)
	js.FuncOf(func(js.Value, []js.Value) any { return nil }).Release()
	if program.Type() != js.TypeObject {
		return js.Value{}, fmt.Errorf("the class Go of JavaScript is not the one that runs this program: its %s was not called", maker)
	}
	return program, nil
}

// memoryOf returns the memory of this program among what the instances of WebAssembly in an object export.
func memoryOf(program js.Value) (js.Value, error) {
	object, webAssembly := js.Global().Get("Object"), js.Global().Get("WebAssembly")
	instances := object.Call("values", program)
	for i := range instances.Length() {
		instance := instances.Index(i)
		if !instance.InstanceOf(webAssembly.Get("Instance")) {
			continue
		}
		exports := object.Call("values", instance.Get("exports"))
		for k := range exports.Length() {
			if memory := exports.Index(k); memory.InstanceOf(webAssembly.Get("Memory")) && own(memory) {
				return memory, nil
			}
		}
	}
	return js.Value{}, errors.New("the object of the program in JavaScript has no WebAssembly.Memory that is the memory of Go")
}

// mark is a number that own looks for.
var mark uint32

// own says whether a memory is that of this program, where Go's addresses are places: what is written to mark is there.
func own(memory js.Value) bool {
	at, view := uintptr(unsafe.Pointer(&mark)), js.Global().Get("DataView").New(memory.Get("buffer"))
	if at+unsafe.Sizeof(mark) > uintptr(view.Get("byteLength").Int()) {
		return false
	}
	for _, mark = range []uint32{0x71617401, 0x8e9e8bfe} {
		if uint32(view.Call("getInt32", at, true).Int()) != mark {
			return false
		}
	}
	return true
}
