// SPDX-License-Identifier: Apache-2.0

// Package avx512 is the kernels of processors with AVX-512 and VNNI. See package vector for their names.
package avx512
