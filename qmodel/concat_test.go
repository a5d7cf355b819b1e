// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// joined returns a model whose operator 2 concatenates two branches: the first with the
// codes of the result, the second by a table.
func joined() *qmodel.Model { return qmodeltest.Branches(rand.New(rand.NewPCG(1, 2))) }

// TestConcatFile comes back equal from a file of version 3.
func TestConcatFile(t *testing.T) {
	m := joined()
	got, err := read(write(t, m))
	if err != nil || m.Version != 3 || !reflect.DeepEqual(got, m) {
		t.Errorf("version %d, error %v, read\n%+v\nwant\n%+v", m.Version, err, got, m)
	}
}

func TestConcatRefuses(t *testing.T) {
	for want, change := range map[string]func(m *qmodel.Model, o *qmodel.Operator){
		"part of version 3":               func(m *qmodel.Model, _ *qmodel.Operator) { m.Version = 2 },
		"tables for 1 of 2 inputs":        func(_ *qmodel.Model, o *qmodel.Operator) { o.Tables = o.Tables[:1] },
		"input 1: a table of 7 codes":     func(_ *qmodel.Model, o *qmodel.Operator) { o.Tables[1] = o.Tables[1][:7] },
		"code 3 becomes 16, which 4 bits": func(_ *qmodel.Model, o *qmodel.Operator) { o.Tables[1][3] = 16 },
		"input 1 has other bits":          func(_ *qmodel.Model, o *qmodel.Operator) { o.Tables[1] = nil },
		"input 0 has other bits":          func(m *qmodel.Model, o *qmodel.Operator) { m.Tensors[o.Output].ScaleBits++ },
		"inputs of 5 channels become 6": func(m *qmodel.Model, o *qmodel.Operator) {
			m.Tensors[o.Output].Channels, m.Tensors[m.Operators[3].Output].Channels = 6, 6
		},
		"is not a tensor of codes": func(m *qmodel.Model, o *qmodel.Operator) {
			m.Tensors[o.Output].Signs, m.Tensors[o.Output].ZeroPoint = true, 0
		},
		"a requantizer, which it does not use":    func(m *qmodel.Model, o *qmodel.Operator) { o.Requantizer = m.Operators[0].Requantizer },
		"a kernel, stride or padding without use": func(_ *qmodel.Model, o *qmodel.Operator) { o.Kernel = [2]int{1, 1} },
	} {
		m := joined()
		change(m, &m.Operators[2])
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
