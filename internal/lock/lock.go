// SPDX-License-Identifier: Apache-2.0

// Package lock holds a file or a folder against other processes.
package lock

import "errors"

// ErrInUse is the error of what another process holds.
var ErrInUse = errors.New("another run is using it; wait for that to end or choose another one")
