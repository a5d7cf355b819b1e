// SPDX-License-Identifier: Apache-2.0

package simd128

import (
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
var permit = sync.OnceValue(func() (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the host does not run WebAssembly's SIMD in the memory of Go: %v", fault)
		}
	}()
	imports := map[string]any{"go": map[string]any{"memory": memory(), "parameters": uintptr(unsafe.Pointer(&shared))}}
	bytes := js.Global().Get("Uint8Array").New(len(module))
	js.CopyBytesToJS(bytes, []byte(module))
	webAssembly := js.Global().Get("WebAssembly")
	instance := webAssembly.Get("Instance").New(webAssembly.Get("Module").New(bytes), imports)
	for i, name := range names {
		functions[i] = instance.Get("exports").Get(name)
	}
	return nil
})

// memory returns the memory of this program, which syscall/js does not tell. The program is an object of the class Go, of
// wasm_exec.js, whose method makes every function for JavaScript: one call of it is caught to see the object.
func memory() js.Value {
	class := js.Global().Get("Go").Get("prototype")
	const method = "_makeFuncWrapper"
	original := class.Get(method)
	var program js.Value
	catch := js.FuncOf(func(this js.Value, _ []js.Value) any {
		program = this
		return nil
	})
	defer catch.Release()
	class.Set(method, catch)
	defer class.Set(method, original)
	js.FuncOf(func(js.Value, []js.Value) any { return nil }).Release()
	return program.Get("_inst").Get("exports").Get("mem")
}
