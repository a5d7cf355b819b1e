// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// signCodes says where signs take tiles, as codes 0 and 1: not in linear layers, whose weights as bytes outgrow the caches.
func signCodes(c kernel.Conv) bool {
	return vector.SignCodes(c) || c.Pixels() > 1 && gains(c) && permit() == nil
}
