// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// signCodes says where signs take tiles, as codes 0 and 1: not in linear layers, whose weights as bytes outgrow the caches.
func signCodes(c kernel.Conv) bool {
	return vector.SignCodes(c) || c.Pixels() > 1 && gains(c) && permit() == nil
}

// FromCodes implements kernel.SignReader, where codes are copied between padding in any case.
func (d *dotCodes) FromCodes(e kernel.Epilogue) kernel.Fused {
	bounds, ok := avx512.NewSignBounds(&e)
	if !ok || d.Direct || d.Flat || e.Channels != d.C.InC {
		return nil
	}
	p := *d.dotPlan
	p.Fill = func(b *vector.Band, buffer, x []uint8, row, rows int) {
		avx512.PadSigns(b, buffer, x, row, rows, bounds)
	}
	if p.emulated {
		p.Fill = func(b *vector.Band, buffer, x []uint8, row, rows int) {
			emulatePadSigns(b, buffer, x, row, rows, bounds)
		}
	}
	return &dotCodes{&p, d.end, d.finish}
}
