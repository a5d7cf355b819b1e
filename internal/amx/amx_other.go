// SPDX-License-Identifier: Apache-2.0

//go:build !linux || !amd64 || purego

package amx

import "errors"

// Int8 and BF16 are false: how other systems than Linux give tiles to a process has not been tried.
const Int8, BF16 = false, false

// Permit refuses.
func Permit() error { return errors.New("tiles of AMX are for Linux on AMD64 alone") }
