// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unwanted says what the value of a flag has to be, where the package that reads flags says which of
// its functions failed. Other errors stay as they are.
func unwanted(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	name, reason := invalid.GetFlag().Name, errors.Unwrap(invalid)
	if invalid.GetValue() == "" {
		return fmt.Errorf("--%s is empty; give it a value or leave it out", name)
	}
	switch invalid.GetFlag().Value.Type() {
	case "int", "int64":
		reason = errors.New("want a whole number" + beyond(reason) + ", in digits" + unled(invalid.GetValue()))
	case "float64":
		reason = errors.New("want a number" + beyond(reason))
	case "bool":
		reason = errors.New("want true or false")
	case "duration":
		reason = errors.New("want a time with its unit, as in 2s or 500ms")
	}
	return fmt.Errorf("--%s %s: %w", name, invalid.GetValue(), reason)
}

// beyond asks whether a number is one, but too great for its flag.
func beyond(err error) string {
	if errors.Is(err, strconv.ErrRange) {
		return " nearer to 0"
	}
	return ""
}

// unled asks whether a number begins with a 0 that some take for a sign of octal numbers.
func unled(text string) string {
	if strings.HasPrefix(strings.TrimPrefix(text, "-"), "0") && strings.Trim(text, "-0123456789") == "" {
		return ", without a 0 before them"
	}
	return ""
}

// A digits is the value of a flag that is a whole number, as people write it: the package that reads flags takes 010 for
// eight and 0x10 for sixteen.
type digits struct{ pflag.Value }

func (d digits) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && strconv.FormatInt(n, 10) != text {
		err = strconv.ErrSyntax
	}
	if err != nil {
		return err
	}
	return d.Value.Set(text)
}

// inDigits makes whole numbers of the flags of a verb, and of the verbs that it holds, digits.
func inDigits(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if t := f.Value.Type(); t == "int" || t == "int64" {
			f.Value = digits{f.Value}
		}
	})
	for _, verb := range c.Commands() {
		inDigits(verb)
	}
}
