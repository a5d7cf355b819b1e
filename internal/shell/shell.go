// SPDX-License-Identifier: Apache-2.0

// Package shell writes words of the commands that people are told to give.
package shell

import "strings"

// Word quotes a word that a shell would not take as it is. A path that begins as a flag does begins with ./ instead.
func Word(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
