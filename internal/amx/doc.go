// SPDX-License-Identifier: Apache-2.0

// Package amx says whether the tiles of AMX can be used: whether the processor has them, and with which products, and whether
// the operating system gives them to the process.
package amx
