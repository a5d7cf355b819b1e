// SPDX-License-Identifier: Apache-2.0

//go:build !js && (amd64 || arm64)

package kernel_test

import "github.com/goqat/goqat/infer/internal/kernel/simd128"

func init() { testSets = append(testSets, simd128.TestSets()...) }
