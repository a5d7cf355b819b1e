// SPDX-License-Identifier: Apache-2.0

// Package neon is the kernels of processors with NEON, and with its dot products. See package vector for their names.
package neon
