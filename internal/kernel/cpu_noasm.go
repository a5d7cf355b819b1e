// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package kernel

import "errors"

const (
	best = Portable
	tier = Portable
)

func setVectors(Tier) {}

func permitTiles() error { return errors.New("this build has no kernels for the tiles of AMX") }
