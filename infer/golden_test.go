// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/goqat/goqat/qmodel"
)

// TestGoldenV1 reads models of version 1, together with every operator and coding, that every later version must read
// and run to the same logits: those of the definitions in this package's tests, for an image whose byte i is
// (37·i + 11) mod 256.
func TestGoldenV1(t *testing.T) {
	golden(t, "testdata/tiny-v1.qmodel", []int32{330337, -166136, 791767})
	golden(t, "testdata/binary-v1.qmodel", []int32{0, 196608, 364566})
}

// TestGoldenV2 does the same with models of version 2.
func TestGoldenV2(t *testing.T) {
	golden(t, "testdata/tiny-v2.qmodel", []int32{330337, -166136, 791767})
	golden(t, "testdata/binary-v2.qmodel", []int32{0, 196608, 364566})
}

// TestGoldenV6 does the same with a model of online ranges, which came with version 6.
func TestGoldenV6(t *testing.T) {
	golden(t, "testdata/ranged-v6.qmodel", []int32{-270661, 23716, 156909})
}

func golden(t *testing.T, path string, want []int32) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	q, err := qmodel.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	image := make([]uint8, q.Tensors[0].Len())
	for i := range image {
		image[i] = uint8(37*i + 11)
	}
	for i, v := range evaluate(q, image)[len(q.Tensors)-1] {
		if v != int64(want[i]) {
			t.Errorf("logit %d is by definition %d, want %d", i, v, want[i])
		}
	}
	for _, name := range Kernels() {
		logits := make([]int32, 3)
		if err := newTestRunner(t, m, Options{Kernel: name}).Run(logits, image); err != nil || !slices.Equal(logits, want) {
			t.Errorf("kernel %s: %d, want %d (%v)", name, logits, want, err)
		}
	}
	var again bytes.Buffer
	if err := q.Write(&again); err != nil || !bytes.Equal(again.Bytes(), b) {
		t.Errorf("the model is written differently now (%v)", err)
	}
}
