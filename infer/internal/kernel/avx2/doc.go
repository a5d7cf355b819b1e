// SPDX-License-Identifier: Apache-2.0

// Package avx2 is the kernels of processors with AVX2. See package vector for their names.
package avx2
