// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"unicode/utf8"
)

// short cuts a name from outside to what a page has room for.
func short(name string) string {
	const most = 60
	name = strings.ToValidUTF8(name, "�")
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	return string([]rune(name)[:most]) + "…"
}
