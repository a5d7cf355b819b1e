// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestSetOf chooses among sets of which some are not supported and some are refused, and counts who is asked.
func TestSetOf(t *testing.T) {
	asked := map[string]int{}
	permit := func(name string, err error) func() error {
		return func() error {
			asked[name]++
			return err
		}
	}
	all := []kernel.Set{
		{Name: "absent", Permit: permit("absent", nil)},
		{Name: "refused", Supported: true, Permit: permit("refused", errors.New("it is closed"))},
		{Name: "given", Supported: true, Permit: permit("given", nil)},
		{Name: "free", Supported: true},
	}
	for _, c := range []struct{ name, want, wrong, asks string }{
		{"", "given", "", "refused given"}, {"given", "given", "", "given"}, {"free", "free", "", ""},
		{"refused", "", "kernel refused: it is closed", "refused"}, {"absent", "", `kernel "absent" is not one of`, ""},
		{"none", "", `kernel "none" is not one of those this processor runs: `, ""},
	} {
		clear(asked)
		set, err := setOf(c.name, all)
		switch {
		case c.wrong == "" && (err != nil || set.Name != c.want):
			t.Errorf("%q is %q, %v, want %q", c.name, set.Name, err, c.want)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%q: %v, want %s", c.name, err, c.wrong)
		}
		for _, name := range strings.Fields(c.asks) {
			asked[name]--
		}
		for name, n := range asked {
			if n != 0 {
				t.Errorf("%q: %s is asked %+d times too often", c.name, name, n)
			}
		}
	}
}

// TestRefused makes a runner by every kernel, which fails for those that are refused.
func TestRefused(t *testing.T) {
	refused := ""
	if err := Refused(); err != nil {
		refused = err.Error()
	}
	m := newTestModel(t, wide(rand.New(rand.NewPCG(51, 51))))
	for _, name := range Kernels() {
		r, err := m.NewRunner(Options{Kernel: name})
		switch {
		case err == nil:
			r.Close()
		case err.Error() != refused || strings.Contains(refused, "\n"):
			t.Errorf("kernel %s: %v; refused is %q", name, err, refused)
		}
	}
	r, err := m.NewRunner(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if strings.Contains(refused, "kernel "+r.Kernel()+":") {
		t.Errorf("a runner takes a kernel that is refused: %s", refused)
	}
}
