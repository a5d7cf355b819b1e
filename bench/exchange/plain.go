// SPDX-License-Identifier: Apache-2.0

//go:build !mpi || !linux || !(amd64 || arm64)

package main

import "log"

func main() { log.Fatal("exchange: build it for Linux with -tags mpi") }
