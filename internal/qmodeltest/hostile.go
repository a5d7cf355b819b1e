// SPDX-License-Identifier: Apache-2.0

package qmodeltest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"

	"github.com/goqat/goqat/qmodel"
)

// Files are small models of every operator, coding and kind of output, as files: the seeds of hostile ones.
func Files() [][]byte {
	rng := rand.New(rand.NewPCG(8, 8))
	var files [][]byte
	for _, m := range []*qmodel.Model{Tiny(rng), Binary(rng), Wide(rng), Branches(rng), Ranged(rng), Dense(rng), Compact(Branches(rng)), Compact(Binary(rng))} {
		var b bytes.Buffer
		if err := m.Write(&b); err != nil {
			panic(err)
		}
		files = append(files, b.Bytes())
	}
	return files
}

// ReadChanged puts the right digest in a file that was changed, and reads it.
func ReadChanged(file []byte) (*qmodel.Model, error) {
	redigest(file)
	return qmodel.Read(bytes.NewReader(file), int64(len(file)))
}

// redigest puts the right digest in a file that has room for one.
func redigest(file []byte) {
	const start = 8 + len(`{"__metadata__":{"sha256":"`)
	if len(file) < start+64 {
		return
	}
	digits := file[start : start+64]
	copy(digits, strings.Repeat("0", 64))
	sum := sha256.Sum256(file)
	hex.Encode(digits, sum[:])
}

// Work returns about the inputs that running a model reads for an image, by which tests leave large ones out.
func Work(m *qmodel.Model) int {
	work := 0
	for i := range m.Operators {
		o := &m.Operators[i]
		in := &m.Tensors[o.Inputs[0]]
		work += m.Tensors[o.Output].Len()*max(1, o.Kernel[0])*max(1, o.Kernel[1]) + int(m.MACs(i))
		work += (in.Height + o.Pad[0] + o.Pad[2]) * (in.Width + o.Pad[1] + o.Pad[3]) * in.Channels
	}
	return work
}

// ChangeBytes returns a copy of a file with one to three bytes changed: a bit, any byte, or a digit.
func ChangeBytes(rng *rand.Rand, file []byte) []byte {
	b := bytes.Clone(file)
	for range 1 + rng.IntN(3) {
		i := rng.IntN(len(b))
		b[i] = []byte{b[i] ^ 1<<rng.IntN(8), byte(rng.Uint32()), '0' + byte(rng.IntN(10))}[rng.IntN(3)]
	}
	return b
}
