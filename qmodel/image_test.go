// SPDX-License-Identifier: Apache-2.0

package qmodel_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// TestZeroPointsOfChannels writes and reads models whose image has a zero point for each
// channel: tensors that keep its codes have them, and no others.
func TestZeroPointsOfChannels(t *testing.T) {
	m := qmodeltest.Colors(rand.New(rand.NewPCG(1, 1)))
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	again, err := qmodel.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, again) {
		t.Error("the model that was read is another")
	}
	if m.Version != 2 {
		t.Errorf("version %d, want 2", m.Version)
	}
	with := 0
	for i := range again.Tensors {
		if x := &again.Tensors[i]; x.ZeroPoints != nil {
			with++
			if x.Zero(3) != m.Input.ZeroPoints[3] || x.Zero(6) != m.Input.ZeroPoints[2] || x.ZeroPoint != x.Zero(0) {
				t.Errorf("%s: %v", x.Name, x.ZeroPoints)
			}
		}
	}
	if with != 2 { // the image and its maximum
		t.Errorf("%d tensors have zero points by channel", with)
	}
}

// TestZeroPointsOfChannelsRefused spoils such models.
func TestZeroPointsOfChannelsRefused(t *testing.T) {
	type M = qmodel.Model
	for _, c := range []struct {
		name  string
		spoil func(m *M)
		want  string
	}{
		{"too few", func(m *M) { m.Input.ZeroPoints, m.Input.ScaleBits = m.Input.ZeroPoints[:3], m.Input.ScaleBits[:3] }, "one for each of 4"},
		{"no code", func(m *M) { m.Input.ZeroPoints[2] = 256 }, "channel 2: zero point 256"},
		{"negative", func(m *M) { m.Input.ZeroPoints[1] = -1 }, "channel 1: zero point -1"},
		{"no scale", func(m *M) { m.Input.ScaleBits[3] = 0 }, "channel 3"},
		{"first", func(m *M) { m.Input.ZeroPoints[0] ^= 1 }, "differs from tensor 0"},
		{"version 1", func(m *M) { m.Version = 1 }, "for each channel in version 1"},
		{"another's", func(m *M) { m.Tensors[0].ZeroPoints = []int32{1, 2, 3, 4} }, "want those of the image"},
		{"forgotten", func(m *M) { m.Tensors[1].ZeroPoints = nil }, "want those of the image"},
		{"too many", func(m *M) { m.Tensors[3].ZeroPoints = m.Input.ZeroPoints }, "want those of the image"},
	} {
		m := qmodeltest.Colors(rand.New(rand.NewPCG(1, 1)))
		m.Input.ZeroPoints = append([]int32(nil), m.Input.ZeroPoints...)
		c.spoil(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	b := qmodeltest.New(rand.New(rand.NewPCG(1, 1)), 4, 4, 3)
	b.Channelwise()
	if err := func() (err any) {
		defer func() { err = recover() }()
		b.Finish(b.AvgPool(0, qmodeltest.Square(2, 2, 0), 8), 3)
		return nil
	}(); err == nil || !strings.Contains(err.(error).Error(), "avgpool cannot read it") {
		t.Errorf("an average of the image: %v", err)
	}
}
