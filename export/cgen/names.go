// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Prefix returns what identifiers of a file start with: the base name of the file as the start of a C identifier.
func Prefix(base string) string {
	p := plain(base)
	if p == "" || !letter(p[0]) {
		p = "net_" + p
	}
	return strings.TrimRight(p, "_")
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// plain replaces what a C identifier has not.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && (letter(byte(r)) || r >= '0' && r <= '9') {
			return r
		}
		return '_'
	}, name)
}

// comment returns a name as it can stand in a comment of a C file: letters of other scripts as they are, nothing that
// ends the comment or a line.
func comment(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '*' || r == '/' || r == '\\' || r == '?' || r == '\u2028' || r == '\u2029' || r >= 0x7f && r < 0xa0 {
			return '_'
		}
		return r
	}, name)
}

// identifier returns the identifier of operator i, without the prefix. Its number keeps it, and all that starts with it,
// apart from those of others.
func identifier(name string, i int) string {
	id := plain(name)
	return fmt.Sprintf("op%d_%s", i, id[:min(len(id), 40)])
}

// checkName refuses a name that cannot stand in an #include.
func checkName(name string) error {
	if name == "" || comment(name) != name || strings.ContainsAny(name, `"<>`) || !utf8.ValidString(name) {
		return fmt.Errorf("cgen: %q cannot be the name of a C file; use letters, digits, - and _", name)
	}
	return nil
}
