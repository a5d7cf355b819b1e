// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !purego

package amx

import "errors"

// supported is false: how other systems than Linux give tiles to a process has not been tried.
const supported = false

func permit() error { return errors.New("tiles of AMX are for Linux alone") }
