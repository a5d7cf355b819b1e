// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// TestOnlineIsRefused names every operator that online ranges are about, with the reason, in every kind of file.
func TestOnlineIsRefused(t *testing.T) {
	m := qmodeltest.Ranged(rand.New(rand.NewPCG(1, 2)))
	for name, write := range map[string]func(*qmodel.Model, onnx.Options) (*onnxproto.Model, []agreement.Statement, error){
		"exact": onnx.Exact, "qdq": onnx.QDQ, "qonnx": onnx.QONNX,
	} {
		_, statements, err := write(m, onnx.Options{})
		if err == nil {
			t.Errorf("%s: written", name)
		}
		for i, s := range statements {
			about := m.ByImage(&m.Operators[i])
			if about != strings.Contains(s.Note, "DynamicQuantizeLinear") || about && s.Agreement != agreement.None {
				t.Errorf("%s: %s, by image %t: %+v", name, m.Operators[i].Name, about, s)
			}
		}
	}
}
