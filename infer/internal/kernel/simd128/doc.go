// SPDX-License-Identifier: Apache-2.0

// Package simd128 is the kernels of WebAssembly with 128-bit SIMD, for programs that run in JavaScript. Go's compiler has no
// such instructions. So the kernels are a module of their own, of 11 KB, that imports the memory of the Go program, as every host
// of a Go program has it, and is compiled when the first runner asks for it.
package simd128
