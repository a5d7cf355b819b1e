// SPDX-License-Identifier: Apache-2.0

package version_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/version"
)

func TestRead(t *testing.T) {
	v := version.Ask()
	if v.Go != runtime.Version() || v.Platform != runtime.GOOS+"/"+runtime.GOARCH || !slices.Contains(v.Kernels, "generic") {
		t.Errorf("%+v", v)
	}
}

func TestString(t *testing.T) {
	for v, want := range map[*version.Info]string{
		{Version: "v1", Commit: "abc", Modified: true, CPU: []string{"avx2", "fma"}}: "abc (modified)",
		{Version: "v1"}:                "commit    unknown",
		{Kernels: []string{"a", "b"}}:  "kernels   a, b",
		{Commit: "abc", Go: "go1.100"}: "cpu       none in use",
		{Refused: "amx: no"}:           "kernels   \nrefused   amx: no\n",
	} {
		lines := 6
		if v.Refused != "" {
			lines++
		}
		if text := v.String(); !strings.Contains(text, want) || strings.Count(text, "\n") != lines {
			t.Errorf("%q in %q", want, text)
		}
	}
}
