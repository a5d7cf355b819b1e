// SPDX-License-Identifier: Apache-2.0

package safetensors

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// FuzzText compares strings as JSON with encoding/json, in both directions.
func FuzzText(f *testing.F) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 1000 {
		text := make([]rune, rng.IntN(8))
		for i := range text {
			text[i] = rune(rng.IntN([]int{0x20, 0x80, 0x3000, 0x110000}[rng.IntN(4)]))
		}
		f.Add(string(text))
	}
	for _, s := range []string{`"\b\f\n\r\t/`, "<a href=\"\">&amp;</a>", "\u2028\u2029\ufffd", `\ud83d\ude00`, `\ud83d`, `\ud83d\u0041`, `\ude00`, `\u00e9\/`, `\u12`, `\x`, `\u+123`, "\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var plain bytes.Buffer
		e := json.NewEncoder(&plain)
		e.SetEscapeHTML(false)
		e.Encode(s)
		if got, want := Quote(nil, s, ""), bytes.TrimSpace(plain.Bytes()); !bytes.Equal(got, want) {
			t.Errorf("%q becomes %s, want %s", s, got, want)
		}
		html, _ := json.Marshal(s)
		if got := Quote(nil, s, "<>&"); !bytes.Equal(got, html) {
			t.Errorf("%q becomes %s, want %s", s, got, html)
		}
		if got, ok := Unescape(string(html[1 : len(html)-1])); !ok || got != s {
			t.Errorf("%s becomes %q, %t, want %q", html, got, ok, s)
		}
		var want string
		quoted := `"` + s + `"`
		if json.Unmarshal([]byte(quoted), &want) != nil {
			return // an escape that JSON does not have, or what a string does not end with
		}
		if got, ok := Unescape(s); !ok || got != want {
			t.Errorf("%s becomes %q, %t, want %q", quoted, got, ok, want)
		}
	})
}
