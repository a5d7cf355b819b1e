// SPDX-License-Identifier: Apache-2.0

//go:build !(amd64 || arm64 || js) || purego

package sets

import "github.com/goqat/goqat/infer/internal/kernel"

func platform() []kernel.Set { return nil }
