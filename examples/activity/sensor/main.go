// SPDX-License-Identifier: Apache-2.0

// Command sensor classifies recordings of an accelerometer on integers: it needs package infer only, and has no floating
// point. Recordings have 16 bits a sample, the lower byte first, the axes in turns.
//
//	go run ./examples/activity/sensor activities/activity-4bit.qmodel activities/walk.s16
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goqat/goqat/infer"
)

// unit is what a sample of 1 stands for, the bits of 2^-12: a sensor of ±8 g has 4096 steps for one.
const unit = infer.UnitOne - 12<<23

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: sensor MODEL.qmodel RECORDING...")
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "sensor:", err)
		os.Exit(1)
	}
}

// run prints the class of every window of each recording, as long as those that the model was trained on.
func run(w io.Writer, model string, recordings []string) error {
	m, err := infer.Open(model)
	if err != nil {
		return err
	}
	encoder, err := m.NewEncoder(unit)
	if err != nil {
		return err
	}
	in := m.Input()
	samples := make([]int16, in.Height*in.Width*in.Channels)
	codes := make([]uint8, len(samples))
	window := func(r io.Reader) (string, error) {
		if err := binary.Read(r, binary.LittleEndian, samples); err != nil {
			return "", err
		}
		if err := encoder.Int16(codes, samples); err != nil {
			return "", err
		}
		return m.Classify(codes)
	}
	for _, path := range recordings {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s:", path)
		var class string
		for class, err = window(f); err == nil; class, err = window(f) {
			fmt.Fprintf(w, " %s", class)
		}
		fmt.Fprintln(w)
		f.Close()
		if !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
