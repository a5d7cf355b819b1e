// SPDX-License-Identifier: Apache-2.0

package neon

import . "github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"

// widen generates the copy of codes to words.
func widen(f *File) {
	f.Func("widen", "dst *uint8, codes *uint8, blocks int", "widen copies blocks of 16 codes to dst as little-endian 16-bit words.")
	dst, codes, blocks := f.Param("dst"), f.Param("codes"), f.Param("blocks")
	f.Label("block")
	f.Op("VLD1.P 16(%v), [V0.B16]", codes)
	f.Op("VUXTL2 V0.B16, V1.H8")
	f.Op("VUXTL V0.B8, V0.H8")
	f.Op("VST1.P [V0.H8, V1.H8], 32(%v)", dst)
	f.Op("SUBS $1, %v, %v", blocks, blocks)
	f.Op("BNE block")
	f.Op("RET")
}
