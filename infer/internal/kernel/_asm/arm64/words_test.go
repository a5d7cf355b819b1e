// SPDX-License-Identifier: Apache-2.0

package arm64

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWords compares instructions at the corners of their fields with what LLVM makes of their names: llvm-mc 14,
// -triple=aarch64 -mattr=+dotprod -show-encoding.
func TestWords(t *testing.T) {
	f := &File{}
	f.SDOT(0, 30, 24, 0)
	f.SDOT(31, 1, 31, 3)
	f.SDOT(7, 31, 16, 1)
	f.SMLALWord(6, 30, 0, 0, false)
	f.SMLALWord(29, 31, 15, 7, true)
	f.SMLALWord(31, 0, 8, 4, false)
	f.SMLALWord(0, 16, 1, 2, true)
	f.SMLALWord(0, 16, 1, 1, true)
	f.SXTL(30, 31, false)
	f.SXTL(31, 0, true)
	f.UADDLP(31, 0, 0)
	f.UADDLP(0, 31, 1)
	want := []string{
		"WORD    $0x4f98e3c0 // sdot v0.4s, v30.16b, v24.4b[0]",
		"WORD    $0x4fbfe83f // sdot v31.4s, v1.16b, v31.4b[3]",
		"WORD    $0x4fb0e3e7 // sdot v7.4s, v31.16b, v16.4b[1]",
		"WORD    $0x0f4023c6 // smlal v6.4s, v30.4h, v0.h[0]",
		"WORD    $0x4f7f2bfd // smlal2 v29.4s, v31.8h, v15.h[7]",
		"WORD    $0x0f48281f // smlal v31.4s, v0.4h, v8.h[4]",
		"WORD    $0x4f612200 // smlal2 v0.4s, v16.8h, v1.h[2]",
		"WORD    $0x4f512200 // smlal2 v0.4s, v16.8h, v1.h[1]",
		"WORD    $0x0f08a7fe // sxtl v30.8h, v31.8b",
		"WORD    $0x4f08a41f // sxtl2 v31.8h, v0.16b",
		"WORD    $0x6e20281f // uaddlp v31.8h, v0.16b",
		"WORD    $0x6e602be0 // uaddlp v0.4s, v31.8h",
	}
	if got := strings.Split(strings.TrimSpace(f.code.String()), "\n\t"); !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestCommitted assembles the names of all words in the generated files with llvm-mc, where it is installed.
func TestCommitted(t *testing.T) {
	if _, err := exec.LookPath("llvm-mc"); err != nil {
		t.Skip(err)
	}
	files, err := filepath.Glob("../../*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated files: %v", err)
	}
	words := regexp.MustCompile(`WORD\s+\$0x([0-9a-f]{8}) // (.*)`)
	encoding := regexp.MustCompile(`encoding: \[0x(..),0x(..),0x(..),0x(..)\]`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := words.FindAllStringSubmatch(string(text), -1)
		var source strings.Builder
		for _, w := range found {
			source.WriteString(w[2] + "\n")
		}
		mc := exec.Command("llvm-mc", "-triple=aarch64", "-mattr=+dotprod", "-show-encoding")
		mc.Stdin, mc.Stderr = strings.NewReader(source.String()), os.Stderr
		out, err := mc.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		encoded := encoding.FindAllStringSubmatch(string(out), -1)
		if len(encoded) != len(found) {
			t.Fatalf("%s has %d words, llvm-mc knows %d", name, len(found), len(encoded))
		}
		for i, e := range encoded {
			if want := e[4] + e[3] + e[2] + e[1]; found[i][1] != want {
				t.Errorf("%s: %s is %s, want %s", name, found[i][2], found[i][1], want)
			}
		}
	}
}
