// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/train"
)

// redigest writes the right digest into a file that has room for one, so that
// what lies after it is read.
func redigest(data []byte) []byte {
	const prefix = `{"__metadata__":{"sha256":"`
	const digits = 64
	at := 8 + len(prefix)
	if len(data) < at+digits || string(data[8:at]) != prefix {
		return data
	}
	data = bytes.Clone(data)
	copy(data[at:], bytes.Repeat([]byte{'0'}, digits))
	sum := sha256.Sum256(data)
	hex.Encode(data[at:], sum[:])
	return data
}

// FuzzReadCheckpoint reads files of any content; what is read is restored into a
// network, or refused, and written again reads as the same.
func FuzzReadCheckpoint(f *testing.F) {
	n, _, _ := pixels(f, 1)
	good := file(f, &train.Loop{Network: n, Optimizer: &optim.SGD{}})
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(nil))
	for _, meta := range []string{`{}`, `{"Version":1}`, `{"Version":1,"Position":{"Epoch":-1,"Batch":-5,"Seen":1}}`, `[`, `{"Version":1,"Classes":null,"Input":{"Height":-1}}`} {
		var b bytes.Buffer
		s := &safetensors.File{Metadata: []safetensors.Metadata{{Key: "goqat", Value: meta}}, Tensors: []safetensors.Tensor{
			{Name: "fc1.weight", DType: "F32", Shape: []int{1}, Data: make([]byte, 4)}, {Name: "optimizer/momentum/fc1.weight", DType: "F32", Shape: []int{0}},
		}}
		if err := s.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "checkpoint")
		if err := os.WriteFile(path, redigest(data), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := train.ReadCheckpoint(path)
		if err != nil {
			return
		}
		c.RestoreShared(n)
		c.Restore(n, &optim.SGD{Momentum: 0.9})
		if err := c.Write(path); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := train.ReadCheckpoint(path); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
