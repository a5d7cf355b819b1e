// SPDX-License-Identifier: Apache-2.0

package export

import (
	"math"

	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/quant"
)

// tabulateActivation finds the code for each code of the unit's input, by its activation:
// in each channel, where they differ.
func tabulateActivation(p *Plan, u *Unit) error {
	tables := 1
	if !u.Alike() {
		tables = u.Output.Channels
	}
	a := u.Activation
	if p.Network.Assignment.Replaced[u.Output.Name] {
		a = network.Identity
	}
	for c := range tables {
		u.Table = append(u.Table, activationTable(u.Inputs[0], u.Output, func(x float64) float64 { return a.Value(x, u.At(c)) })...)
	}
	return nil
}

// activationTable returns the code of y for each code of x: RNE(f(real)/scale) + zero
// point in float64, within the codes of y (docs/numerics.md, "Functions of one tensor").
func activationTable(x, y *Tensor, f func(float64) float64) []uint8 {
	codes := make([]uint8, quant.Activation(x.Bits).Max()+1)
	for code := range codes {
		value := f(float64(x.Scale) * float64(int32(code)-x.ZeroPoint))
		q := math.RoundToEven(value/float64(y.Scale)) + float64(y.ZeroPoint)
		codes[code] = uint8(min(max(q, float64(y.Lo)), float64(y.Hi)))
	}
	return codes
}
