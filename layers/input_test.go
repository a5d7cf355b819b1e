// SPDX-License-Identifier: Apache-2.0

package layers_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/quant"
)

// TestNormalize has one number for all channels, or one for each, become zero points and
// scales, those of PyTorch's usual images among them.
func TestNormalize(t *testing.T) {
	in := layers.Input{Height: 1, Width: 1, Channels: 3}
	mean, deviation := []float64{0.485, 0.456, 0.406}, []float64{0.229, 0.224, 0.225}
	if err := in.Normalize(mean, deviation); err != nil {
		t.Fatal(err)
	}
	if z := in.Zeros(); !slices.Equal(z, []int32{124, 116, 104}) {
		t.Errorf("zero points %v", z)
	}
	for c, p := range in.Own {
		if p.Scale != float32(1/(255*deviation[c])) || p != in.Channel(c) {
			t.Errorf("channel %d: %+v", c, p)
		}
	}
	codes, deviations := in.Rounding(mean, deviation)
	if math.Abs(codes-0.47) > 1e-9 || math.Abs(deviations-0.47/(255*0.225)) > 1e-9 { // 255·0.406 is 103.53
		t.Errorf("zero points are off by %v codes, %v deviations", codes, deviations)
	}
	if err := in.Normalize([]float64{0.5}, []float64{0.25}); err != nil || in.Own != nil || in.Params != layers.Normalized(0.5, 0.25) {
		t.Errorf("one number for all is %+v, %v", in, err)
	}
	if err := in.Normalize([]float64{0.5}, []float64{0.25, 0.5, 1}); err != nil || in.Zeros() != nil || len(in.Own) != 3 {
		t.Errorf("one mean and three deviations are %+v, %v", in, err)
	}
	for want, lists := range map[string][2][]float64{
		"2 means":                {{0, 1}, {1}},
		"0 deviations":           {{0}, nil},
		"deviation 0":            {{0}, {0}},
		"mean 1.5":               {{1.5}, {1}},
		"mean NaN":               {{math.NaN()}, {1}},
		"deviation 1e+300":       {{0}, {1e300}},
		"deviation 5e-324":       {{0}, {5e-324}},
		"deviation +Inf of chan": {{0}, {1, 1, math.Inf(1)}},
	} {
		if err := in.Normalize(lists[0], lists[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", lists, err, want)
		}
	}
}

// TestInputValidate refuses what a checkpoint cannot say of its images.
func TestInputValidate(t *testing.T) {
	good := quant.Params{Scale: 1, ZeroPoint: 3}
	for want, in := range map[string]layers.Input{
		"quantization of 2":  {Channels: 3, Params: good, Own: []quant.Params{good, good}},
		"the first as all":   {Channels: 1, Params: good, Own: []quant.Params{{Scale: 2}}},
		"zero point 256":     {Channels: 2, Params: good, Own: []quant.Params{good, {Scale: 1, ZeroPoint: 256}}},
		"scale NaN":          {Channels: 2, Params: good, Own: []quant.Params{good, {Scale: float32(math.NaN())}}},
		"images of the scal": {Channels: 1},
	} {
		if err := in.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", in, err, want)
		}
	}
}

// TestChannelsOfTheImage compares a network whose images have a mean and a deviation for
// each channel with one that is given the numbers: the inside is that of the means,
// padding the zero point.
func TestChannelsOfTheImage(t *testing.T) {
	net := layers.Chain{layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1, NoNorm: true}, layers.Linear{Channels: 10}}
	c := config(5, 7, 3, pact)
	if err := c.Input.Normalize([]float64{0.2, 0.5, 0.9}, []float64{0.1, 0.3, 0.05}); err != nil {
		t.Fatal(err)
	}
	n := build(t, net, c)
	plain := c
	plain.Input.Params, plain.Input.Own = layers.Normalized(0.5, 0.3), nil
	w := build(t, net, plain).Units[0].Weight.Value // of images at their own scales
	u := n.Units[0]
	for i, v := range u.Weight.Value {
		if want := w[i] * (c.Input.Own[i%3].Scale / c.Input.Scale); v != want {
			t.Fatalf("weight %d is %v, want %v: times the ratio of the scales", i, v, want)
		}
	}
	images := noise(5 * 7 * 3)
	var got []float32
	_, err := n.Forward(graph.Pass{Mode: graph.Eval, Tap: func(s graph.Site) {
		if s.Name == u.Name+".accumulators" {
			got = slices.Clone(s.Y)
		}
	}}, images, []int32{0})
	if err != nil {
		t.Fatal(err)
	}
	for y := range 5 {
		for x := range 7 {
			for o := range 4 {
				var want float64
				for tap := range 9 {
					iy, ix := y+tap/3-1, x+tap%3-1
					if iy < 0 || iy >= 5 || ix < 0 || ix >= 7 {
						continue
					}
					for k := range 3 {
						want += float64(w[(o*9+tap)*3+k]) * float64(c.Input.Channel(k).Real(int32(images[(iy*7+ix)*3+k])))
					}
				}
				if v := float64(got[(y*7+x)*4+o]); math.Abs(v-want) > 1e-4*(1+math.Abs(want)) {
					t.Fatalf("output %d at %d, %d is %v, want %v", o, y, x, v, want)
				}
			}
		}
	}
}
