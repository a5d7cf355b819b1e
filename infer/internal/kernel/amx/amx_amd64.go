// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
)

//go:generate sh -c "cd ../_asm && go run . amx"

// Set is the kernels of processors with AMX and AVX-512. Without the permission of the operating system its plans are those
// of AVX-512, so that no tile instruction is reached.
var Set = kernel.Set{
	Name: "amx", Supported: supported, Permit: permit, Plan: newPlan, Packed: newPacked, FewRows: 2,
	Signs: avx512.Set.Signs, SignCodes: signCodes, Finish: avx512.Set.Finish, Compare: avx512.Set.Compare,
	MaxPool: avx512.Set.MaxPool, SumPool: avx512.Set.SumPool, Online: avx512.Set.Online,
}

func newPlan(c kernel.Conv, weights []int8) kernel.Plan {
	if c.Groups > 1 || !gains(c) || permit() != nil {
		return avx512.Set.Plan(c, weights)
	}
	return newDot(c, weights, false)
}

// newPacked is newPlan but for weights that AVX-512 takes in fewer bits than a byte: tiles have bytes.
func newPacked(c kernel.Conv, weights []int8) kernel.Plan {
	if avx512.Packs(weights, c.KW*c.InC/c.Groups) {
		return avx512.Set.Packed(c, weights)
	}
	return newPlan(c, weights)
}

// leastWork is the least work, in products an image, that is worth a call with tiles: about what VNNI does in the time that
// configuring and releasing them takes, 150 ns at 350 products a nanosecond (Emerald Rapids).
const leastWork = 1 << 16

// gains says whether a convolution of one group takes tiles. A product of tiles takes a cycle a row, and 8 at least, however
// few bytes the rows have; VNNI takes an eighth of a cycle for each byte of a row. By that, products of 5 × 5 codes of one
// channel are faster as columns alone, and those of 3 × 3 codes of three channels line by line.
func gains(c kernel.Conv) bool {
	if columns(c) {
		c = stand(c)
	}
	depth, _ := sliced(c)
	rows := tall(c)
	return c.Pixels()*c.OutC*c.KH*c.KW*c.InC >= leastWork && rows*depth > 8*max(8, rows)
}
