// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// OneOf adds a flag whose value is one of a closed set of words; by default it is standard, which may be none of them.
func OneOf[T ~string](c *cobra.Command, value *T, name string, standard T, usage string, words ...T) {
	*value = standard
	c.Flags().Var(&choice[T]{value, words}, name, usage)
}

// choice is the value of a flag that OneOf adds.
type choice[T ~string] struct {
	value *T
	words []T
}

func (o *choice[T]) Set(text string) error {
	if !slices.Contains(o.words, T(text)) {
		return errors.New("want " + o.list())
	}
	*o.value = T(text)
	return nil
}

// list returns the words, as in a, b or c.
func (o *choice[T]) list() string {
	var list strings.Builder
	for i, w := range o.words {
		switch {
		case i == 0:
		case i == len(o.words)-1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(w))
	}
	return list.String()
}

func (o *choice[T]) String() string {
	if o.value == nil { // of no flag, as the package that reads flags makes one
		return ""
	}
	return string(*o.value)
}

func (o *choice[T]) Type() string { return "string" }
