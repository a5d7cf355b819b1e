// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package kernel_test

import "testing"

// guarded returns n zeros.
func guarded[T any](_ testing.TB, n int, _ bool) []T { return make([]T, n) }
