// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// List adds a flag whose value is a list, divided by commas, perhaps with spaces, as "0.485, 0.456, 0.406". The flag may
// be repeated; the default stands until it is given. element turns the text of an element into its value, and
// its error ends a sentence that begins with the text, as in "is no whole number".
func List[T any](c *cobra.Command, values *[]T, name string, standard []T, usage string, element func(string) (T, error)) {
	*values = standard
	c.Flags().Var(&list[T]{values: values, element: element}, name, usage)
}

// Number is an element of List that is a number.
func Number(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return v, nil
}

// Whole is an element of List that is a whole number.
func Whole(text string) (int, error) {
	v, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(v) != text {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return v, nil
}

// Word is an element of List that is a text.
func Word(text string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("nothing stands there, or beside a comma")
	}
	return text, nil
}

// list is the value of a flag that List adds.
type list[T any] struct {
	values  *[]T
	element func(string) (T, error)
	given   bool
}

func (l *list[T]) Set(text string) error {
	var more []T
	for part := range strings.SplitSeq(text, ",") {
		v, err := l.element(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		more = append(more, v)
	}
	if !l.given {
		*l.values = nil
	}
	*l.values, l.given = append(*l.values, more...), true
	return nil
}

func (l *list[T]) String() string {
	var parts []string
	if l.values != nil {
		for _, v := range *l.values {
			parts = append(parts, fmt.Sprint(v))
		}
	}
	return strings.Join(parts, ",")
}

func (l *list[T]) Type() string { return "list" }
