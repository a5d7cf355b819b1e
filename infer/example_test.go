// SPDX-License-Identifier: Apache-2.0

package infer_test

import (
	_ "embed"
	"fmt"
	"log"

	"github.com/goqat/goqat/infer"
)

//go:embed testdata/tiny-v1.qmodel
var tiny []byte

// A program can carry its network in itself.
func Example() {
	m, err := infer.FromBytes(tiny)
	if err != nil {
		log.Fatal(err)
	}
	in := m.Input()
	image := make([]uint8, in.Height*in.Width*in.Channels) // a black image
	class, err := m.Classify(image)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(class)
	// Output: class 2
}

// A runner computes the logits of a batch, here on two threads.
func ExampleRunner() {
	m, err := infer.FromBytes(tiny)
	if err != nil {
		log.Fatal(err)
	}
	const batch = 2
	r, err := m.NewRunner(infer.Options{Batch: batch, Threads: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	in := m.Input()
	images := make([]uint8, batch*in.Height*in.Width*in.Channels) // black ones
	logits := make([]int32, batch*len(m.Classes()))
	if err := r.Run(logits, images); err != nil {
		log.Fatal(err)
	}
	fmt.Println(logits)
	// Output: [752111 -45896 841623 752111 -45896 841623]
}
