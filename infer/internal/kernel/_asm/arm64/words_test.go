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
	f.SMLAL(31, 0, 15, 2, false)
	f.SMLAL(1, 30, 16, 2, true)
	f.SMLAL(1, 30, 16, 1, false)
	f.SMLAL(31, 0, 1, 0, true)
	f.SADDW(0, 1, 31, 1, false)
	f.SADDW(31, 30, 2, 1, true)
	f.SQADD(31, 0, 30, 1)
	f.SSHL(0, 31, 1, 3)
	f.USHL(31, 1, 0, 2)
	f.SRSHL(1, 2, 31, 3)
	f.BIC(31, 0, 1)
	f.SQXTN(0, 31, 2, false)
	f.SQXTN(31, 0, 2, true)
	f.SQXTN(1, 2, 1, true)
	f.SQXTUN(31, 30, 0, false)
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
		"WORD    $0x0eaf801f // smlal v31.2d, v0.2s, v15.2s",
		"WORD    $0x4eb083c1 // smlal2 v1.2d, v30.4s, v16.4s",
		"WORD    $0x0e7083c1 // smlal v1.4s, v30.4h, v16.4h",
		"WORD    $0x4e21801f // smlal2 v31.8h, v0.16b, v1.16b",
		"WORD    $0x0e7f1020 // saddw v0.4s, v1.4s, v31.4h",
		"WORD    $0x4e6213df // saddw2 v31.4s, v30.4s, v2.8h",
		"WORD    $0x4e7e0c1f // sqadd v31.8h, v0.8h, v30.8h",
		"WORD    $0x4ee147e0 // sshl v0.2d, v31.2d, v1.2d",
		"WORD    $0x6ea0443f // ushl v31.4s, v1.4s, v0.4s",
		"WORD    $0x4eff5441 // srshl v1.2d, v2.2d, v31.2d",
		"WORD    $0x4e611c1f // bic v31.16b, v0.16b, v1.16b",
		"WORD    $0x0ea14be0 // sqxtn v0.2s, v31.2d",
		"WORD    $0x4ea1481f // sqxtn2 v31.4s, v0.2d",
		"WORD    $0x4e614841 // sqxtn2 v1.8h, v2.4s",
		"WORD    $0x2e212bdf // sqxtun v31.8b, v30.8h",
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
	files, err := filepath.Glob("../../neon/*_arm64.s")
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
