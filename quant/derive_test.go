// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/fixed"
)

func rat(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

func pow2(s int) *big.Rat {
	r := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(max(s, -s))))
	if s < 0 {
		r.Inv(r)
	}
	return r
}

// drawLayer returns a random layer of one channel; wide draws reach the limits of every field.
func drawLayer(rng *rand.Rand) (terms []Term, bias []float64, accScale []float32, out Params) {
	out = Params{Scale: float32(math.Exp(2 * rng.NormFloat64())), ZeroPoint: rng.Int32N(256)}
	wide := 1 + 20*float64(rng.IntN(2))
	sw := float32(math.Exp(wide*rng.NormFloat64()/4) / 100)
	if rng.IntN(4) == 0 {
		sw = float32(math.Exp2(float64(rng.IntN(30) - 25)))
		out.Scale = 1
	}
	if rng.IntN(2) == 0 {
		sw = -sw
	}
	terms = []Term{{M: []float32{Multiplier(0.02, sw, out.Scale)}, MaxAbs: []int64{rng.Int64N(1 << (3 + rng.IntN(28)))}}}
	for range rng.IntN(2) * rng.IntN(3) {
		terms = append(terms, Term{M: []float32{float32(math.Exp(wide * rng.NormFloat64()))}, MaxAbs: []int64{rng.Int64N(256)}})
	}
	return terms, []float64{rng.NormFloat64() * math.Exp(wide*rng.NormFloat64()/2)}, []float32{float32(0.02 * sw)}, out
}

// TestDeriveFollowsTheRule checks every derived number against its definition in rationals.
func TestDeriveFollowsTheRule(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	forms := map[string]int{}
	for range 5000 {
		terms, bias, accScale, out := drawLayer(rng)
		r, err := Derive(1, terms, Bias{Real: bias, AccScale: accScale}, out, 0, 255)
		if err != nil {
			forms["refused"]++
			continue
		}
		s := int(r.Shift[0])

		inAccumulator := len(terms) == 1 && math.Abs(float64(accScale[0])) <= float64(out.Scale)/256
		if inAccumulator {
			code := roundRat(new(big.Rat).Quo(rat(bias[0]), rat(float64(accScale[0]))), 0)
			worst := new(big.Int).Abs(code)
			worst.Add(worst, big.NewInt(terms[0].MaxAbs[0]))
			inAccumulator = worst.Cmp(big.NewInt(math.MaxInt32)) <= 0
			if inAccumulator && (code.Int64() != int64(r.AccBias[0]) || r.Bias[0] != 0) {
				t.Fatalf("bias %v in the accumulator: %d and %d, want %v", bias, r.AccBias, r.Bias, code)
			}
		}
		constant := new(big.Rat)
		if !inAccumulator {
			constant.Quo(rat(bias[0]), rat(float64(out.Scale)))
		}
		// sumAt is the worst case of the sum at a shift, and whether all multipliers are integers there.
		sumAt := func(s int) (*big.Int, bool) {
			sum := roundRat(new(big.Rat).Mul(constant, pow2(s)), 0)
			sum.Abs(sum)
			exact := true
			for i, term := range terms {
				m := new(big.Rat).Mul(rat(float64(term.M[0])), pow2(s))
				exact = exact && m.IsInt()
				n := roundRat(m, 0)
				if s == int(r.Shift[0]) && n.Cmp(big.NewInt(r.M[i][0])) != 0 {
					t.Fatalf("term %d: multiplier %d at shift %d, want %v", i, r.M[i][0], s, n)
				}
				bound := term.MaxAbs[0]
				if i == 0 {
					bound += max(int64(r.AccBias[0]), -int64(r.AccBias[0]))
				}
				sum.Add(sum, n.Mul(n.Abs(n), big.NewInt(bound)))
			}
			return sum, exact
		}
		if !inAccumulator && r.AccBias[0] != 0 {
			t.Fatalf("accumulator bias %d outside of its form", r.AccBias[0])
		}
		if want := roundRat(new(big.Rat).Mul(constant, pow2(s)), 0); want.Cmp(big.NewInt(r.Bias[0])) != 0 {
			t.Fatalf("constant %d, want %v", r.Bias[0], want)
		}
		limit := big.NewInt(fixed.MaxSum)
		sum, exact := sumAt(s)
		if sum.Cmp(limit) >= 0 {
			t.Fatalf("worst case %v at shift %d", sum, s)
		}
		_, exactBefore := sumAt(s - 1)
		above, _ := sumAt(s + 1)
		switch {
		case exact && (s == 0 || !exactBefore):
			forms["exact"]++
		case !exact && s == 62:
			forms["shift 62"]++
		case !exact && above.Cmp(limit) >= 0:
			forms["bounded"]++
		default:
			t.Fatalf("shift %d is neither the least exact nor the greatest possible: %+v %+v", s, terms, r)
		}
		if inAccumulator {
			forms["in the accumulator"]++
		}
	}
	for _, form := range []string{"exact", "bounded", "shift 62", "in the accumulator", "refused"} {
		if forms[form] == 0 {
			t.Errorf("no layer was %s: %v", form, forms)
		}
	}
}

// TestDeriveApproximatesTheRealLayer compares the requantized integers with the real-number formula
// clamp(z + RNE(Σ M·acc + bias/s_y)): they are equal but where the real sum is next to a tie, closer than the
// roundings of the bias and of the multipliers.
func TestDeriveApproximatesTheRealLayer(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	compared := 0
	for range 3000 {
		terms, bias, accScale, out := drawLayer(rng)
		r, err := Derive(1, terms, Bias{Real: bias, AccScale: accScale}, out, 0, 255)
		if err != nil {
			continue
		}
		for range 10 {
			acc := make([]int64, len(terms))
			real := new(big.Rat).Quo(rat(bias[0]), rat(float64(out.Scale)))
			// The bias is off by at most half a unit: of the accumulator (M is off from accScale/s_y by 2^-24), or 2^-s.
			slack := new(big.Rat).Mul(pow2(-int(r.Shift[0])), big.NewRat(1, 2))
			for i, term := range terms {
				acc[i] = rng.Int64N(2*term.MaxAbs[0]+1) - term.MaxAbs[0]
				m := rat(float64(term.M[0]))
				real.Add(real, new(big.Rat).Mul(m, new(big.Rat).SetInt64(acc[i])))
				off := new(big.Rat).Mul(new(big.Rat).SetInt64(r.M[i][0]), pow2(-int(r.Shift[0])))
				off.Sub(off, m).Abs(off)
				slack.Add(slack, off.Mul(off, new(big.Rat).SetInt64(1<<31)))
			}
			if r.AccBias[0] != 0 {
				unit := new(big.Rat).Mul(rat(float64(terms[0].M[0])), big.NewRat(1, 2))
				slack.Add(slack, unit.Abs(unit))
				drift := new(big.Rat).Quo(rat(bias[0]), rat(float64(out.Scale)))
				slack.Add(slack, drift.Abs(drift).Mul(drift, pow2(-22)))
			}
			codeOf := func(x *big.Rat) int32 {
				q := roundRat(x, 0)
				q.Add(q, big.NewInt(int64(out.ZeroPoint)))
				switch {
				case q.Sign() < 0:
					return 0
				case q.Cmp(big.NewInt(255)) > 0:
					return 255
				}
				return int32(q.Int64())
			}
			low, high := codeOf(new(big.Rat).Sub(real, slack)), codeOf(new(big.Rat).Add(real, slack))
			if got := r.Apply(0, acc...); got < low || got > high {
				t.Fatalf("acc %d: %d, want [%d, %d]; %+v of %+v", acc, got, low, high, r, terms)
			}
			if low == high {
				compared++
			}
		}
	}
	if compared < 15000 {
		t.Errorf("only %d of 30000 outputs were certain", compared)
	}
}

func TestDeriveZeroMultiplier(t *testing.T) {
	r, err := Derive(1, []Term{{M: []float32{0}, MaxAbs: []int64{1000}}}, Bias{Real: []float64{2.5}, AccScale: []float32{0}}, Params{Scale: 0.5, ZeroPoint: 3}, 0, 255)
	if err != nil {
		t.Fatal(err)
	}
	if q := r.Apply(0, 777); q != 8 || r.AccBias[0] != 0 {
		t.Errorf("constant 2.5 at scale 0.5 and zero point 3: %d, want 8 (%+v)", q, r)
	}
}

// TestDeriveVanishingMultiplier has a multiplier that is not 0 but rounds to it at the greatest shift.
func TestDeriveVanishingMultiplier(t *testing.T) {
	r, err := Derive(1, []Term{{M: []float32{0x1p-100}, MaxAbs: []int64{1 << 20}}}, Bias{Real: []float64{1}}, Params{Scale: 1}, 0, 255)
	if err != nil || r.Shift[0] != 61 || r.M[0][0] != 0 || r.Apply(0, 1<<20) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDeriveOneValueForAllChannels(t *testing.T) {
	r, err := Derive(3, []Term{{M: []float32{0.25}, MaxAbs: []int64{255}}, {M: []float32{0.5, 1, 2}, MaxAbs: []int64{255}}}, Bias{}, Params{Scale: 1}, 0, 15)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []int32{4, 6, 10} {
		if q := r.Apply(c, 8, 4); q != want {
			t.Errorf("channel %d: %d, want %d", c, q, want)
		}
	}
}

func TestDeriveRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	one := []Term{{M: []float32{1, 1}, MaxAbs: []int64{10}}}
	for name, c := range map[string]struct {
		terms    []Term
		bias     []float64
		accScale []float32
		scale    float32
		want     string
	}{
		"no terms":            {nil, nil, nil, 1, "without terms"},
		"multipliers":         {[]Term{{M: []float32{1, 1, 1}, MaxAbs: []int64{1}}}, nil, nil, 1, "term 0 has 3"},
		"biases":              {one, []float64{1}, nil, 1, "1 biases"},
		"scales":              {one, nil, []float32{1}, 1, "1 accumulator scales"},
		"zero scale":          {one, nil, nil, 0, "output scale 0"},
		"infinite scale":      {one, nil, nil, inf, "output scale +Inf"},
		"NaN scale":           {one, nil, nil, nan, "output scale NaN"},
		"NaN multiplier":      {[]Term{{M: []float32{1, nan}, MaxAbs: []int64{1}}}, nil, nil, 1, "channel 1: multiplier NaN"},
		"infinite bias":       {one, []float64{0, math.Inf(-1)}, nil, 1, "channel 1: bias -Inf"},
		"infinite accScale":   {one, nil, []float32{1, inf}, 1, "channel 1: accumulator scale +Inf"},
		"multiplier too big":  {[]Term{{M: []float32{1, 0x1p60}, MaxAbs: []int64{10}}}, nil, nil, 1, "channel 1: no shift"},
		"bias too big":        {one, []float64{0, 1e30}, nil, 1, "channel 1: no shift"},
		"accumulator too big": {[]Term{{M: []float32{1}, MaxAbs: []int64{1, 1 << 31}}}, nil, nil, 1, "channel 1: accumulator"},
	} {
		if _, err := Derive(2, c.terms, Bias{Real: c.bias, AccScale: c.accScale}, Params{Scale: c.scale}, 0, 255); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// Whole biases are what a runtime computes that adds an int32 to the accumulator, whatever else is added.
func TestWholeBiasesAreUnitsOfTheAccumulator(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range 2000 {
		accScale, outScale := float32(math.Exp(rng.NormFloat64()-5)), float32(math.Exp(rng.NormFloat64()-3))
		bias := Bias{Real: []float64{rng.NormFloat64()}, AccScale: []float32{accScale}, Whole: true}
		terms := []Term{{M: []float32{accScale / outScale}, MaxAbs: []int64{1 << 20}}, {M: []float32{float32(rng.Float64())}, MaxAbs: []int64{255}}}
		units := int64(math.RoundToEven(bias.Real[0] / float64(accScale)))
		for n := 1; n <= 2; n++ {
			r, err := Derive(1, terms[:n], bias, Params{Scale: outScale, ZeroPoint: 3}, 0, 255)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Bias[0] + int64(r.AccBias[0])*r.M[0][0]; got != units*r.M[0][0] {
				t.Fatalf("%d terms: the bias is %d, want %d times %d", n, got, units, r.M[0][0])
			}
		}
	}
	r, err := Derive(1, []Term{{M: []float32{0}, MaxAbs: []int64{1000}}}, Bias{Real: []float64{2.6}, AccScale: []float32{0}, Whole: true}, Params{Scale: 1}, 0, 255)
	if err != nil || r.Bias[0] != 3<<r.Shift[0] {
		t.Errorf("without a multiplier: %+v, %v", r, err)
	}
	if _, err := Derive(1, []Term{{M: []float32{1}, MaxAbs: []int64{1000}}}, Bias{Real: []float64{2.6}, AccScale: []float32{1e-9}, Whole: true}, Params{Scale: 1}, 0, 255); err == nil || !strings.Contains(err.Error(), "int32") {
		t.Errorf("a bias beyond int32: %v", err)
	}
}
