// SPDX-License-Identifier: Apache-2.0

// Package amx is the kernels of processors with AMX, which multiplies tiles of up to 16 rows of 64 bytes. Layers that gain
// nothing from tiles, and what comes after the products of a layer, are those of avx512.
package amx
