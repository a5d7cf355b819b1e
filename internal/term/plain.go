// SPDX-License-Identifier: Apache-2.0

package term

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Plain returns s as a terminal may show it: what does not print, such as the line
// breaks and escape sequences of a hostile name, and bytes that are no UTF-8, is
// written as Go does in a quoted string, \n or \x1b.
func Plain(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError || unprintable(r) {
			quoted := strconv.QuoteToASCII(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable also says so of the replacement character, as which bytes that are no
// UTF-8 appear.
func unprintable(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }

// OneLine returns the text of an error, which may have names from files, without line
// breaks and [Plain].
func OneLine(err error) string {
	return Plain(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}
