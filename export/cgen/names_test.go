// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
)

// TestPrefix wants identifiers of C for all file names.
func TestPrefix(t *testing.T) {
	for base, want := range map[string]string{
		"net": "net", "lenet-w4": "lenet_w4", "9": "net_9", "": "net", "Ü": "net", "int": "int", "_a": "net__a", "a.b": "a_b", "net_": "net",
	} {
		if got := Prefix(base); got != want {
			t.Errorf("Prefix(%q) is %q, want %q", base, got, want)
		}
	}
}

// TestHostileNames puts what ends a comment, a string or a line in every name of a model.
func TestHostileNames(t *testing.T) {
	m := qmodeltest.Tiny(rand.New(rand.NewPCG(1, 1)))
	const bad = "*/\n#error \"\\\r??/"
	m.Name, m.Method = bad, bad
	for i := range m.Classes {
		m.Classes[i] = bad
	}
	for i := range m.Operators {
		m.Operators[i].Name += bad
	}
	s, _, err := Export(m, "net")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(s.C), string(s.Header)} {
		if strings.Contains(text, "#error") && strings.Contains(text, "\n#error") || strings.ContainsAny(text, "\r") || strings.Contains(text, "??/") {
			t.Error("a name is C")
		}
	}
	for _, name := range []string{"", "a\nb", "a\"b", "*/", "\xff"} {
		if _, _, err := Export(m, name); err == nil {
			t.Errorf("%q is the name of a file", name)
		}
	}
}
