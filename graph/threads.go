// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/goqat/goqat/internal/kernel"

// A Pool is the threads that the ops of graphs run on. Results do not depend on
// how many there are.
type Pool = kernel.Pool

// A Task is work cut into tiles that do not depend on each other.
type Task = kernel.Task

// NewPool starts a pool of so many threads; Close ends them.
func NewPool(threads int) *Pool { return kernel.NewPool(threads) }
