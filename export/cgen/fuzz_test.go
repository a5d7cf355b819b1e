// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
)

// exportChanged exports a changed file that still reads, twice to the same bytes, or wants it to be refused; it says
// whether there was a source.
func exportChanged(t *testing.T, file []byte) bool {
	m, err := qmodeltest.ReadChanged(file)
	if err != nil || qmodeltest.Work(m) > 1<<20 {
		return false
	}
	s, statements, err := Export(m, "net")
	if err != nil {
		return false
	}
	if len(statements) != len(m.Operators) {
		t.Fatalf("%d statements of %d operators", len(statements), len(m.Operators))
	}
	again, _, err := Export(m, "net")
	if err != nil || !bytes.Equal(again.C, s.C) || !bytes.Equal(again.Header, s.Header) {
		t.Fatalf("the second export differs (%v)", err)
	}
	return true
}

// FuzzExport changes a model with a right digest and exports what is still read.
func FuzzExport(f *testing.F) {
	for _, file := range qmodeltest.Files() {
		f.Add(file, uint16(9), uint8(7))
	}
	f.Fuzz(func(t *testing.T, file []byte, place uint16, value uint8) {
		file = bytes.Clone(file)
		if int(place) < len(file) {
			file[place] = value
		}
		exportChanged(t, file)
	})
}

// TestChangedModelsExport is FuzzExport with random changes.
func TestChangedModelsExport(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	seeds := qmodeltest.Files()
	exported := 0
	for n := range 300 {
		if exportChanged(t, qmodeltest.ChangeBytes(rng, seeds[n%len(seeds)])) {
			exported++
		}
	}
	if exported < 20 {
		t.Errorf("only %d of 300 models were exported", exported)
	}
}
