// SPDX-License-Identifier: Apache-2.0

package signals_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/signals"
)

// real is what a code stands for, also beyond the ends of float32.
func real(p quant.Params, code uint8) float64 {
	return float64(p.Scale) * float64(int32(code)-p.ZeroPoint)
}

// TestFindSpreads gives the least sample of each channel the code 0, and every sample a code that stands for it within
// half a step, of channels of any magnitude.
func TestFindSpreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		const n = 40
		channels := 1 + rng.IntN(4)
		samples := make([]float32, n*channels)
		for c := range channels {
			size, middle := math.Pow(10, float64(rng.IntN(60)-30)), rng.NormFloat64()*10
			for i := range n {
				samples[i*channels+c] = float32(size * (middle + rng.NormFloat64()))
			}
		}
		e, err := signals.Find(samples, channels, 100)
		if err != nil {
			t.Fatal(err)
		}
		codes := make([]uint8, len(samples))
		if err := e.Encode(codes, samples); err != nil {
			t.Fatal(err)
		}
		least, greatest := slices.Repeat([]uint8{255}, channels), make([]uint8, channels)
		for i, code := range codes {
			c := i % channels
			least[c], greatest[c] = min(least[c], code), max(greatest[c], code)
			// The greatest sample may round to a code above 255, which is one more half step.
			if far := math.Abs(real(e[c], code)-float64(samples[i])) / float64(e[c].Scale); far > 1.001 || far > 0.501 && code != 255 {
				t.Fatalf("sample %v has the code %d, %v steps off: %+v", samples[i], code, far, e[c])
			}
		}
		for c := range channels {
			if least[c] != 0 || greatest[c] < 254 {
				t.Errorf("codes of %d to %d", least[c], greatest[c])
			}
		}
	}
}

// TestFindBounds has samples at the ends of float32, equal ones, and ones far from 0 beside how they differ.
func TestFindBounds(t *testing.T) {
	for _, samples := range [][]float32{
		{-math.MaxFloat32, math.MaxFloat32}, {0, math.MaxFloat32}, {-math.MaxFloat32, 0}, {math.MaxFloat32, math.MaxFloat32},
		{0, math.SmallestNonzeroFloat32}, {-math.SmallestNonzeroFloat32, 0}, {0, 0}, {5, 5}, {-0.25, -0.25},
		{1e6, math.Nextafter32(1e6, 2e6)}, {-1e30, math.Nextafter32(-1e30, 0)},
	} {
		e, err := signals.Find(samples, 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		p := e[0]
		if !(p.Scale >= 0x1p-126) || math.IsInf(float64(p.Scale), 0) || p.ZeroPoint < -1<<23 || p.ZeroPoint > 1<<23 {
			t.Errorf("samples %v: %+v", samples, p)
		}
		var codes [2]uint8
		if err := e.Encode(codes[:], samples); err != nil || codes[0] != 0 && samples[0] != samples[1] || codes[1] < codes[0] {
			t.Errorf("samples %v have the codes %v, %v", samples, codes, err)
		}
		if far := math.Abs(real(p, codes[0]) - float64(samples[0])); far > 0.501*float64(p.Scale) {
			t.Errorf("samples %v: code %d of %+v is %v off", samples, codes[0], p, far)
		}
	}
}

// TestPercentile leaves out as many samples at each end as it says.
func TestPercentile(t *testing.T) {
	samples := make([]float32, 100)
	for i := range samples {
		samples[i] = float32(i)
	}
	samples[0], samples[99] = -1e6, 1e6
	e, err := signals.Find(samples, 1, 98)
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]uint8, 4)
	if err := e.Encode(codes, []float32{-1e6, 1, 98, 1e6}); err != nil || !slices.Equal(codes, []uint8{0, 0, 255, 255}) {
		t.Errorf("codes %v of %+v, %v", codes, e, err)
	}
}

// TestEncodeTies rounds quotients to the nearest, ties to even, before the zero point is added: as rational numbers do.
func TestEncodeTies(t *testing.T) {
	e := signals.Encoding{{Scale: 2, ZeroPoint: 3}}
	samples := []float32{-7, -5, -3, -1, 1, 3, 5, 7, 9}
	codes := make([]uint8, len(samples))
	if err := e.Encode(codes, samples); err != nil || !slices.Equal(codes, []uint8{0, 1, 1, 3, 3, 5, 5, 7, 7}) {
		t.Errorf("codes %v, %v", codes, err)
	}
	rng := rand.New(rand.NewPCG(2, 1))
	for range 20000 {
		scale := float32(math.Exp(8 * rng.NormFloat64()))
		zero := rng.Int32N(1<<24) - 1<<23
		e[0].Scale, e[0].ZeroPoint = scale, zero
		x := float32((float64(rng.IntN(258)) - 1.5 - float64(zero)) * float64(scale)) // where a code begins
		for range rng.IntN(3) {
			x = math.Nextafter32(x, float32(math.Inf(rng.IntN(2)*2-1)))
		}
		var code [1]uint8
		if err := e.Encode(code[:], []float32{x}); err != nil || code[0] != exact(x, scale, zero) {
			t.Fatalf("%v in steps of %v from %d has the code %d, want %d; %v", x, scale, zero, code[0], exact(x, scale, zero), err)
		}
	}
}

// exact returns the code of a sample, in rational numbers.
func exact(x, scale float32, zero int32) uint8 {
	q := new(big.Rat).Quo(new(big.Rat).SetFloat64(float64(x)), new(big.Rat).SetFloat64(float64(scale)))
	whole, rest := new(big.Int).DivMod(q.Num(), q.Denom(), new(big.Int)) // rounded down
	switch side := rest.Lsh(rest, 1).Cmp(q.Denom()); {
	case side > 0, side == 0 && whole.Bit(0) == 1:
		whole.Add(whole, big.NewInt(1))
	}
	return uint8(min(max(whole.Int64()+int64(zero), 0), 255))
}

// TestEncodeNotFinite gives NaN the code of 0, and infinities those of the ends.
func TestEncodeNotFinite(t *testing.T) {
	e := signals.Encoding{{Scale: 1, ZeroPoint: 7}, {Scale: 1, ZeroPoint: -7}, {Scale: 1, ZeroPoint: 300}}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	codes := make([]uint8, 9)
	if err := e.Encode(codes, []float32{nan, nan, nan, inf, inf, inf, -inf, -inf, -inf}); err != nil || !slices.Equal(codes, []uint8{7, 0, 255, 255, 255, 255, 0, 0, 0}) {
		t.Errorf("codes %v, %v", codes, err)
	}
}

// TestRefused wants whole samples of all channels, finite numbers to find codes on, and a percentile.
func TestRefused(t *testing.T) {
	find := func(samples []float32, channels int, percentile float64) error {
		_, err := signals.Find(samples, channels, percentile)
		return err
	}
	e := signals.Encoding{{Scale: 1}, {Scale: 1}}
	nan := math.NaN()
	for i, c := range []struct {
		err  error
		want string
	}{
		{find(nil, 1, 100), "0 samples of 1 channels"},
		{find(make([]float32, 3), 2, 100), "3 samples of 2 channels"},
		{find(make([]float32, 3), 0, 100), "3 samples of 0 channels"},
		{find(make([]float32, 3), -1, 100), "3 samples of -1 channels"},
		{find([]float32{1, 2, 3, float32(nan)}, 2, 100), "sample 1 of channel 1 is NaN"},
		{find([]float32{float32(math.Inf(-1)), 2}, 2, 100), "sample 0 of channel 0 is -Inf"},
		{find([]float32{1}, 1, 0), "a percentile of 0"},
		{find([]float32{1}, 1, 101), "a percentile of 101"},
		{find([]float32{1}, 1, nan), "a percentile of NaN"},
		{e.Encode(make([]uint8, 3), make([]float32, 3)), "3 samples of 2 channels for 3 codes"},
		{e.Encode(make([]uint8, 2), make([]float32, 4)), "4 samples of 2 channels for 2 codes"},
		{signals.Encoding{}.Encode(nil, nil), "0 samples of 0 channels"},
	} {
		if c.err == nil || !strings.HasPrefix(c.err.Error(), "signals: ") || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("case %d: %v, want %q", i, c.err, c.want)
		}
	}
}

// TestOf goes to the file of a model and back.
func TestOf(t *testing.T) {
	e := signals.Encoding{{Scale: 0.125, ZeroPoint: -3}, {Scale: math.MaxFloat32, ZeroPoint: 1 << 23}}
	if back, ok := signals.Of(qmodel.Input{Samples: e.Samples()}); !ok || !slices.Equal(back, e) {
		t.Errorf("%v came back as %v", e, back)
	}
	if back, ok := signals.Of(qmodel.Input{Samples: signals.Encoding(nil).Samples()}); ok {
		t.Errorf("images have the encoding %v", back)
	}
}
