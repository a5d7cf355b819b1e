// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"fmt"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/qmodel"
)

// A Source is a network as C.
type Source struct {
	C, Header     []byte
	ArenaBytes    int // of working memory
	ConstantBytes int // of weights, multipliers and all else that is constant
}

// Export returns a model as the files name.c and name.h, and what is stated of each operator, which is that its integers
// are the same. Identifiers start with Prefix(name). Equal models give equal bytes. Operators that C code cannot compute
// to the same integers are refused by name, with the statements.
func Export(m *qmodel.Model, name string) (*Source, []agreement.Statement, error) {
	if err := checkName(name); err != nil {
		return nil, nil, err
	}
	runtime, err := infer.New(m) // which validates it
	if err != nil {
		return nil, nil, fmt.Errorf("cgen: %w", err)
	}
	p, statements := lower(m)
	if err := agreement.Refused("C", statements); err != nil {
		return nil, statements, fmt.Errorf("cgen: %w", err)
	}
	if err := p.place(); err != nil {
		return nil, nil, err
	}
	answer, err := answers(runtime)
	if err != nil {
		return nil, nil, fmt.Errorf("cgen: %w", err)
	}
	s, err := p.emit(name, answer)
	return s, statements, err
}

// answerImages is how many images the known answer is for.
const answerImages = 4

// answers returns the logits of the images of the C code's main: noise, full and ever weaker.
func answers(m *infer.Model) ([][]int32, error) {
	r, err := m.NewRunner(infer.Options{Batch: 1, Threads: 1, Work: m.Work()})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	in := m.Input()
	image := make([]uint8, in.Height*in.Width*in.Channels)
	all := make([][]int32, answerImages)
	state := uint32(1)
	for n := range all {
		for i := range image {
			state = state*1664525 + 1013904223 // Numerical Recipes' generator
			image[i] = uint8(state>>24>>n + 40*uint32(n))
		}
		all[n] = make([]int32, len(m.Classes()))
		if err := r.Run(all[n], image); err != nil {
			return nil, err
		}
	}
	return all, nil
}
