// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Quote appends s as a JSON string, in the spelling of encoding/json; characters of html are escaped as well.
func Quote(text []byte, s, html string) []byte {
	const hex = "0123456789abcdef"
	text = append(text, '"')
	for _, r := range s { // U+FFFD for what is not UTF-8
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			text = append(text, '\\', `"\bfnrt`[i])
		case r < ' ' || r == '\u2028' || r == '\u2029' || r < utf8.RuneSelf && strings.ContainsRune(html, r):
			text = append(text, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			text = utf8.AppendRune(text, r)
		}
	}
	return append(text, '"')
}

// Unescape replaces the escapes in the content of a JSON string, and says whether all are of JSON. It takes no more memory
// than the content does.
func Unescape(s string) (string, bool) {
	var b strings.Builder
	b.Grow(len(s))
	for {
		before, escape, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if escape == "" {
			return "", false
		}
		s = escape[1:]
		if i := strings.IndexByte(`"\/bfnrt`, escape[0]); i >= 0 {
			b.WriteByte("\"\\/\b\f\n\r\t"[i])
			continue
		}
		r, ok := unit(escape)
		if !ok {
			return "", false
		}
		s = escape[5:]
		if utf16.IsSurrogate(r) {
			second, _ := unit(strings.TrimPrefix(s, `\`))
			if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
				s = s[6:]
			}
		}
		b.WriteRune(r)
	}
}

// unit parses the UTF-16 unit at the start of s: a u and four hexadecimal digits.
func unit(s string) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	r, err := strconv.ParseUint(s[1:5], 16, 16)
	return rune(r), err == nil
}
