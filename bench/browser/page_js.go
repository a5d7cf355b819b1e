// SPDX-License-Identifier: Apache-2.0

// The page's half: a runner for JavaScript to call.
package main

import (
	"encoding/binary"
	"fmt"
	"syscall/js"

	"github.com/goqat/goqat/infer"
)

func main() {
	js.Global().Set("goqatKernels", js.FuncOf(kernels))
	js.Global().Set("goqatRunner", js.FuncOf(runner))
	select {}
}

// kernels returns the names of the kernels that run here, but the reference.
func kernels(js.Value, []js.Value) any {
	var names []any
	for _, name := range infer.Kernels() {
		if name != "reference" {
			names = append(names, name)
		}
	}
	return names
}

// runner takes a .qmodel and the name of a kernel and returns a function from the bytes of an image, and of its logits,
// 32-bit numbers with the lowest byte first, which it fills. Of an error it returns the text.
func runner(_ js.Value, args []js.Value) any {
	file := make([]byte, args[0].Length())
	js.CopyBytesToGo(file, args[0])
	model, err := infer.FromBytes(file)
	if err != nil {
		return err.Error()
	}
	r, err := model.NewRunner(infer.Options{Kernel: args[1].String()})
	if err != nil {
		return err.Error()
	}
	in := model.Input()
	image, logits := make([]byte, in.Height*in.Width*in.Channels), make([]int32, len(model.Classes()))
	bytes := make([]byte, 0, 4*len(logits))
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		if n := js.CopyBytesToGo(image, args[0]); n != len(image) {
			return fmt.Sprintf("%d bytes of %d", n, len(image))
		}
		if err := r.Run(logits, image); err != nil {
			return err.Error()
		}
		bytes = bytes[:0]
		for _, l := range logits {
			bytes = binary.LittleEndian.AppendUint32(bytes, uint32(l))
		}
		js.CopyBytesToJS(args[1], bytes)
		return nil
	})
}
