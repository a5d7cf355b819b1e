// SPDX-License-Identifier: Apache-2.0

// Package parquet reads the columns of Parquet files that data sets of images consist of: whole numbers and byte
// strings, perhaps inside structures and perhaps missing, but not inside lists. It is written for files that nobody
// vouches for: no length in a file is believed before it was held against the bytes there are, and no memory is taken
// for more than maxPage bytes at once.
//
// A Writer writes whole numbers, fractions, text and lists of structures of these, all encoded plainly.
//
// The format is that of https://parquet.apache.org/docs/file-format; its metadata are in Thrift's compact protocol.
package parquet
