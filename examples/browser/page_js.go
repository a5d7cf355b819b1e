// SPDX-License-Identifier: Apache-2.0

// The page's half: two functions for JavaScript, on the bytes of files.
package main

import (
	"bytes"
	"fmt"
	"math"
	"syscall/js"
	"time"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
)

// network is the model at work.
type network struct {
	model  *infer.Model
	runner *infer.Runner
}

func main() {
	var n network
	js.Global().Set("goqatLoad", function(n.load))
	js.Global().Set("goqatClassify", function(n.classify))
	js.Global().Call("goqatReady")
	select {}
}

// function makes a function of JavaScript, from a Uint8Array to an object; of an error, one with the field error.
func function(f func(file []byte) (map[string]any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		file := make([]byte, args[0].Length())
		js.CopyBytesToGo(file, args[0])
		result, err := f(file)
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		return result
	})
}

// load takes a .qmodel and describes it.
func (n *network) load(file []byte) (map[string]any, error) {
	model, err := infer.FromBytes(file)
	if err != nil {
		return nil, err
	}
	runner, err := model.NewRunner(infer.Options{})
	if err != nil {
		return nil, err
	}
	n.model, n.runner = model, runner
	in := model.Input()
	return map[string]any{
		"name":  fmt.Sprintf("%s, %s, %d×%d×%d, kernel %s", model.Name(), model.Method(), in.Height, in.Width, in.Channels, runner.Kernel()),
		"bytes": len(file), "height": in.Height, "width": in.Width,
	}, nil
}

// classify takes a PNG or JPEG and returns the classes with their logits, and the milliseconds that it took to decode
// the image and to run the network.
func (n *network) classify(file []byte) (map[string]any, error) {
	in, names := n.model.Input(), n.model.Classes()
	start := time.Now()
	pixels, err := images.Decode(bytes.NewReader(file), in.Height, in.Width, in.Channels)
	if err != nil {
		return nil, err
	}
	decoded := time.Now()
	logits := make([]int32, len(names))
	if err := n.runner.Run(logits, pixels); err != nil {
		return nil, err
	}
	ran := time.Now()
	classes, scale := make([]any, len(names)), float64(math.Float32frombits(n.model.LogitScale()))
	for i, name := range names {
		classes[i] = map[string]any{"name": name, "logit": scale * float64(logits[i])}
	}
	return map[string]any{
		"classes": classes, "decode": decoded.Sub(start).Seconds() * 1e3, "run": ran.Sub(decoded).Seconds() * 1e3,
	}, nil
}
