// SPDX-License-Identifier: Apache-2.0

// Command embed carries a network inside and classifies images on integers: it
// needs packages infer and images only, and links nothing of training.
//
//	go run ./examples/embed examples/embed/boot.png
package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
)

//go:embed fashion.qmodel
var file []byte

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// run prints the class of every image file.
func run(w io.Writer, paths []string) error {
	model, err := infer.FromBytes(file)
	if err != nil {
		return err
	}
	in := model.Input()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		pixels, err := images.Decode(f, in.Height, in.Width, in.Channels)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		class, err := model.Classify(pixels)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s\n", path, class)
	}
	return nil
}
