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
	r, err := m.NewRunner(infer.Options{})
	if err != nil {
		log.Fatal(err)
	}
	in := m.Input()
	image := make([]uint8, in.Height*in.Width*in.Channels) // a black image
	logits := make([]int32, len(m.Classes()))
	if err := r.Run(logits, image); err != nil {
		log.Fatal(err)
	}
	best := 0
	for i, l := range logits {
		if l > logits[best] {
			best = i
		}
	}
	fmt.Println(m.Classes()[best])
	// Output: class 2
}
