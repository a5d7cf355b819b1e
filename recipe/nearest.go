// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Nearest returns the known word that word was probably meant to be: the one
// at the least edit distance, the first of several, or "" if none is near. Upper
// and lower case count as the same.
func Nearest(word string, known []string) string {
	best, least := "", min(max(1, len(word)/3)+1, len(word)) // a third of the word may be wrong, and never all of it
	if len(word) > mostLetters {
		return ""
	}
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// mostLetters is the length of the longest word that is compared with others.
const mostLetters = 64

// distance counts the insertions, deletions, substitutions and exchanges of
// neighbours that make b from a (Damerau 1964, without overlapping edits).
func distance(a, b string) int {
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		older, old, row = old, row, older
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// unknown describes a key that the struct type t at path does not have.
func unknown(t reflect.Type, path, key string) string {
	message := fmt.Sprintf("unknown key %q", join(path, key))
	if n := Nearest(key, keys(t)); n != "" {
		return fmt.Sprintf("%s, did you mean %q?", message, join(path, n))
	}
	var elsewhere []string
	for _, p := range paths(reflect.TypeFor[Recipe](), "") {
		if p[strings.LastIndex(p, ".")+1:] == key {
			elsewhere = append(elsewhere, fmt.Sprintf("%q", p))
		}
	}
	if elsewhere != nil {
		return fmt.Sprintf("%s, did you mean %s?", message, strings.Join(elsewhere, " or "))
	}
	return fmt.Sprintf("%s, known here: %s", message, strings.Join(keys(t), ", "))
}

// keys lists the keys of a struct type in order.
func keys(t reflect.Type) []string {
	var list []string
	for _, f := range reflect.VisibleFields(t) {
		if key := tag(f); key != "" {
			list = append(list, key)
		}
	}
	return list
}

// paths lists all keys below a struct type, those inside lists left out.
func paths(t reflect.Type, path string) []string {
	var list []string
	for _, f := range reflect.VisibleFields(t) {
		key := tag(f)
		if key == "" {
			continue
		}
		list = append(list, join(path, key))
		if f.Type.Kind() == reflect.Struct {
			list = slices.Concat(list, paths(f.Type, join(path, key)))
		}
	}
	return list
}
