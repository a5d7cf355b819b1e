// SPDX-License-Identifier: Apache-2.0

// The page's half: functions for JavaScript, on the bytes of files.
package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
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
	js.Global().Set("goqatTime", function(n.time))
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

// decode returns the pixels of a PNG or JPEG.
func (n *network) decode(file []byte) ([]uint8, error) {
	in := n.model.Input()
	return images.Decode(bytes.NewReader(file), in.Height, in.Width, in.Channels)
}

// classify takes a PNG or JPEG and returns the classes with their logits.
func (n *network) classify(file []byte) (map[string]any, error) {
	names := n.model.Classes()
	pixels, err := n.decode(file)
	if err != nil {
		return nil, err
	}
	logits := make([]int32, len(names))
	if err := n.runner.Run(logits, pixels); err != nil {
		return nil, err
	}
	classes, scale := make([]any, len(names)), float64(math.Float32frombits(n.model.LogitScale()))
	for i, name := range names {
		classes[i] = map[string]any{"name": name, "logit": scale * float64(logits[i])}
	}
	return map[string]any{"classes": classes}, nil
}

// time takes a PNG or JPEG and returns the milliseconds that it takes to decode it and to run the network.
func (n *network) time(file []byte) (map[string]any, error) {
	pixels, err := n.decode(file)
	if err != nil {
		return nil, err
	}
	logits := make([]int32, len(n.model.Classes()))
	decode, err := median(func() error { _, err := n.decode(file); return err })
	if err != nil {
		return nil, err
	}
	run, err := median(func() error { return n.runner.Run(logits, pixels) })
	return map[string]any{"decode": decode, "run": run}, err
}

// median returns the milliseconds of a call, the median of rounds that are long beside the steps of the browser's clock,
// 0.1 ms or, in some browsers, 1 ms. Before them the browser has time to compile what is called often.
func median(f func() error) (float64, error) {
	const rounds, round, warmUp = 5, 10 * time.Millisecond, 100 * time.Millisecond
	if _, err := mean(f, warmUp); err != nil {
		return 0, err
	}
	var times []float64
	for range rounds {
		t, err := mean(f, round)
		if err != nil {
			return 0, err
		}
		times = append(times, t)
	}
	slices.Sort(times)
	return times[rounds/2], nil
}

// mean returns the milliseconds of a call, of so many as take the given time.
func mean(f func() error, least time.Duration) (float64, error) {
	calls, start := 0, time.Now()
	for calls == 0 || time.Since(start) < least {
		if err := f(); err != nil {
			return 0, err
		}
		calls++
	}
	return time.Since(start).Seconds() * 1e3 / float64(calls), nil
}
