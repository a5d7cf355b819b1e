// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// unwanted says what the value of a flag has to be, where the package that reads flags says which of
// its functions failed. Other errors stay as they are.
func unwanted(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	reason := errors.Unwrap(invalid)
	switch invalid.GetFlag().Value.Type() {
	case "int", "int64":
		reason = errors.New("want a whole number" + beyond(reason) + ", in digits")
	case "float64":
		reason = errors.New("want a number" + beyond(reason))
	case "bool":
		reason = errors.New("want true or false")
	case "duration":
		reason = errors.New("want a time with its unit, as in 2s or 500ms")
	}
	return fmt.Errorf("--%s %s: %w", invalid.GetFlag().Name, invalid.GetValue(), reason)
}

// beyond asks whether a number is one, but too great for its flag.
func beyond(err error) string {
	if errors.Is(err, strconv.ErrRange) {
		return " nearer to 0"
	}
	return ""
}
