// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// gated returns a model of version 4, with its operators by name.
func gated() (*qmodel.Model, func(op string) *qmodel.Operator) {
	m := qmodeltest.Gated(rand.New(rand.NewPCG(1, 2)))
	return m, func(op string) *qmodel.Operator {
		i := slices.IndexFunc(m.Operators, func(o qmodel.Operator) bool { return o.Op == op })
		return &m.Operators[i]
	}
}

// TestGatedFile comes back equal from a file of version 4.
func TestGatedFile(t *testing.T) {
	m, _ := gated()
	got, err := read(write(t, m))
	if err != nil || m.Version != 4 || !reflect.DeepEqual(got, m) {
		t.Errorf("version %d, error %v, read\n%+v\nwant\n%+v", m.Version, err, got, m)
	}
}

func TestGatedRefuses(t *testing.T) {
	for want, change := range map[string]func(m *qmodel.Model, of func(op string) *qmodel.Operator){
		"part of version 4": func(m *qmodel.Model, _ func(string) *qmodel.Operator) { m.Version = 3 },
		"since version 4 one for each": func(_ *qmodel.Model, of func(string) *qmodel.Operator) {
			of(qmodel.Table).Table = of(qmodel.Table).Table[:5<<5]
		},
		"which 4 bits do not hold": func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Table).Table[170] = 16 },
		"the output is 4×5×6, the first input 1×1×6": func(_ *qmodel.Model, of func(string) *qmodel.Operator) {
			o := of(qmodel.Multiply)
			o.Inputs[0], o.Inputs[1] = o.Inputs[1], o.Inputs[0]
		},
		"is missing, or there without use": func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Multiply).Table = []uint8{1} },
		"shuffled by 0: missing":           func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Select).Shuffle = 0 },
		"4 channels shuffled by 3":         func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Select).Shuffle = 3 },
		"4 channels from channel 3 on":     func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Select).First = 3 },
		"enlarged [0 1] times":             func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Upsample).Factor[0] = 0 },
		"enlarged [2 2] times is not":      func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Upsample).Factor[1] = 2 },
		"enlarged [1 1] times":             func(_ *qmodel.Model, of func(string) *qmodel.Operator) { of(qmodel.Conv2D).Factor = [2]int{1, 1} },
		"channel 0: the sum before the shift": func(_ *qmodel.Model, of func(string) *qmodel.Operator) {
			of(qmodel.Multiply).Requantizer.M[0][0] = 1 << 61
		},
	} {
		m, of := gated()
		change(m, of)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
