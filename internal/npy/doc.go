// SPDX-License-Identifier: Apache-2.0

// Package npy reads arrays in the formats of NumPy: a .npy file is one array, a .npz
// archive has several by name (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html,
// versions 1.0 to 3.0).
//
// Read are bool, integers of 8 to 64 bits, floats of 16 to 64 bits and strings, in either
// order of bytes, and arrays of any rank in C and in Fortran order. Nothing else is: pickled
// objects, which can run code, least of all.
package npy
