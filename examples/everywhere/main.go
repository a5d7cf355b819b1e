// SPDX-License-Identifier: Apache-2.0

// Command everywhere prints a digest of the logits of all test images of fashion-sample, for each model and each kernel
// of the processor but the slow reference. The digest of a model is the same on every platform; check.sh compares some.
//
//	go run ./examples/everywhere examples/embed/fashion.qmodel
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/infer"
)

func main() {
	for _, path := range os.Args[1:] {
		if err := run(path); err != nil {
			fmt.Fprintln(os.Stderr, "everywhere:", err)
			os.Exit(1)
		}
	}
}

// run prints the digests of the model in a file.
func run(path string) error {
	m, err := infer.Open(path)
	if err != nil {
		return err
	}
	in := m.Input()
	data, err := datasets.Open("fashion-sample", datasets.Options{Height: in.Height, Width: in.Width, Channels: in.Channels})
	if err != nil {
		return err
	}
	for _, kernel := range infer.Kernels() {
		if kernel == "reference" {
			continue
		}
		digest, err := digest(m, kernel, data.Test.Images)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		fmt.Printf("%s %s/%s %s %x\n", path, runtime.GOOS, runtime.GOARCH, kernel, digest[:16])
	}
	return nil
}

// digest returns the SHA-256 of the logits of images, as 32-bit numbers with the lowest byte first.
func digest(m *infer.Model, kernel string, images []uint8) ([]byte, error) {
	const batch = 50
	r, err := m.NewRunner(infer.Options{Batch: batch, Kernel: kernel})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	in, hash := m.Input(), sha256.New()
	size, logits := in.Height*in.Width*in.Channels, make([]int32, batch*len(m.Classes()))
	for len(images) > 0 {
		n := min(batch, len(images)/size)
		of := logits[:n*len(m.Classes())]
		if err := r.Run(of, images[:n*size]); err != nil {
			return nil, err
		}
		if err := binary.Write(hash, binary.LittleEndian, of); err != nil {
			return nil, err
		}
		images = images[n*size:]
	}
	return hash.Sum(nil), nil
}
