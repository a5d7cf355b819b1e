// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/sets"
)

// Kernels returns the names of the kernels that this processor runs, the fastest first. All give the same integers. See
// Refused for kernels that need a permission of the operating system.
func Kernels() []string {
	var names []string
	for _, set := range sets.All() {
		if set.Supported {
			names = append(names, set.Name)
		}
	}
	return names
}

// Refused returns which of Kernels the operating system refuses to this process, and why, nil for none: a runner by that name
// cannot be made, and one that names none takes the next. Linux is asked for the tiles of AMX by the first runner that takes
// them, or by Refused. From then on no thread of the process can have an alternate signal stack of less than some 12 KB,
// which matters to programs with C libraries alone; a runner that names other kernels asks for nothing.
func Refused() error {
	for _, set := range sets.All() {
		if set.Supported && set.Permit != nil {
			if err := set.Permit(); err != nil {
				return fmt.Errorf("infer: kernel %s: %w", set.Name, err)
			}
		}
	}
	return nil
}

// setOf returns the set of a name, or for "" the fastest, that this processor has and the operating system does not refuse.
func setOf(name string, all []kernel.Set) (kernel.Set, error) {
	for _, set := range all {
		if !set.Supported || name != "" && name != set.Name {
			continue
		}
		if set.Permit == nil {
			return set, nil
		}
		err := set.Permit()
		if err == nil {
			return set, nil
		}
		if name != "" {
			return set, fmt.Errorf("infer: kernel %s: %w", name, err)
		}
	}
	return kernel.Set{}, fmt.Errorf("infer: kernel %q is not one of those this processor runs: %s", name, strings.Join(Kernels(), ", "))
}
