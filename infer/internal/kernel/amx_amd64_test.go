// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel_test

import "github.com/goqat/goqat/infer/internal/kernel/amx"

func init() { testSets = append(testSets, amx.TestSets()...) }
