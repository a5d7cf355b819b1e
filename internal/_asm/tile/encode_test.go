// SPDX-License-Identifier: Apache-2.0

package tile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEncodings compares instructions at the corners of their fields with what GNU as 2.40 makes of their names.
func TestEncodings(t *testing.T) {
	var c Code
	c.LDTILECFG(DI)
	c.LDTILECFG(R13)
	c.LDTILECFG(R12)
	c.TILERELEASE()
	c.TILEZERO(3)
	c.TILELOADD(R8, AX, 4)
	c.TILELOADD(BP, R15, 0)
	c.TILELOADD(R13, R12, 7)
	c.TILESTORED(0, R8, AX)
	c.TILESTORED(7, R13, R12)
	c.TDPBUSD(6, 4, 0)
	c.TDPBUSD(0, 7, 5)
	c.TDPBF16PS(6, 4, 0)
	c.TDPBF16PS(0, 7, 5)
	want := []string{
		"LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)",
		"LONG $0x4978c2c4; BYTE $0x45; BYTE $0x00 // LDTILECFG (R13)",
		"LONG $0x4978c2c4; BYTE $0x04; BYTE $0x24 // LDTILECFG (R12)",
		"LONG $0x4978e2c4; BYTE $0xc0 // TILERELEASE",
		"LONG $0x497be2c4; BYTE $0xd8 // TILEZERO T3",
		"LONG $0x4b7bc2c4; BYTE $0x24; BYTE $0x00 // TILELOADD (R8)(AX*1), T4",
		"LONG $0x4b7ba2c4; BYTE $0x44; BYTE $0x3d; BYTE $0x00 // TILELOADD (BP)(R15*1), T0",
		"LONG $0x4b7b82c4; BYTE $0x7c; BYTE $0x25; BYTE $0x00 // TILELOADD (R13)(R12*1), T7",
		"LONG $0x4b7ac2c4; BYTE $0x04; BYTE $0x00 // TILESTORED T0, (R8)(AX*1)",
		"LONG $0x4b7a82c4; BYTE $0x7c; BYTE $0x25; BYTE $0x00 // TILESTORED T7, (R13)(R12*1)",
		"LONG $0x5e49e2c4; BYTE $0xc4 // TDPBUSD T6, T4, T0",
		"LONG $0x5e79e2c4; BYTE $0xef // TDPBUSD T0, T7, T5",
		"LONG $0x5c4ae2c4; BYTE $0xc4 // TDPBF16PS T6, T4, T0",
		"LONG $0x5c7ae2c4; BYTE $0xef // TDPBF16PS T0, T7, T5",
	}
	for i, line := range c {
		if got := strings.TrimSpace(line); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
	}
}

// atAndT returns an instruction as GNU as has it: registers with their full names, numbers with a dollar sign.
func atAndT(text string) string {
	name, operands, _ := strings.Cut(text, " ")
	operands = regexp.MustCompile(`\bT(\d)`).ReplaceAllString(operands, "%tmm$1")
	operands = regexp.MustCompile(`\b[A-DS][XPI]\b|\bBP\b|\bDI\b`).ReplaceAllStringFunc(operands, func(r string) string { return "%r" + strings.ToLower(r) })
	operands = regexp.MustCompile(`\bR(\d+)`).ReplaceAllString(operands, "%r$1")
	operands = regexp.MustCompile(`\)\((%r\w+)\*1\)`).ReplaceAllString(operands, ",$1,1)")
	return strings.ToLower(name) + " " + operands
}

// assemble returns the bytes of each line by GNU as, and skips the test where there is none.
func assemble(t *testing.T, lines []string) [][]byte {
	t.Helper()
	for _, tool := range []string{"as", "objdump"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	source, object := filepath.Join(dir, "a.s"), filepath.Join(dir, "a.o")
	if err := os.WriteFile(source, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("as", "--64", "-o", object, source).CombinedOutput(); err != nil {
		t.Skipf("this as does not know tiles, or AMD64: %v\n%.500s", err, out)
	}
	out, err := exec.Command("objdump", "-d", "--insn-width=16", object).Output()
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	for _, m := range regexp.MustCompile(`(?m)^\s+[0-9a-f]+:\t((?:[0-9a-f]{2} )+)`).FindAllStringSubmatch(string(out), -1) {
		var code []byte
		for _, b := range strings.Fields(m[1]) {
			var v byte
			fmt.Sscanf(b, "%x", &v)
			code = append(code, v)
		}
		list = append(list, code)
	}
	if len(list) != len(lines) {
		t.Fatalf("%d instructions of %d lines", len(list), len(lines))
	}
	return list
}

// TestAssembler compares all forms of all instructions with GNU as, where it is installed.
func TestAssembler(t *testing.T) {
	var c Code
	c.TILERELEASE()
	for base := AX; base <= R15; base++ {
		c.LDTILECFG(base)
		for stride := AX; stride <= R15; stride++ {
			for tile := range T(8) {
				if stride != SP {
					c.TILELOADD(base, stride, tile)
					c.TILESTORED(tile, base, stride)
				}
			}
		}
	}
	for sums := range T(8) {
		c.TILEZERO(sums)
		for rows := range T(8) {
			for columns := range T(8) {
				if rows != sums && columns != sums && rows != columns {
					c.TDPBUSD(columns, rows, sums)
					c.TDPBF16PS(columns, rows, sums)
				}
			}
		}
	}
	compare(t, c)
}

// compare compares encoded instructions with what GNU as makes of their names.
func compare(t *testing.T, lines []string) {
	t.Helper()
	var names []string
	for _, line := range lines {
		_, text, _ := strings.Cut(line, " // ")
		names = append(names, atAndT(text))
	}
	for i, code := range assemble(t, names) {
		if got, _, _ := strings.Cut(strings.TrimSpace(lines[i]), " // "); got != directives(code) {
			t.Errorf("%s is %s, want %s", names[i], got, directives(code))
		}
	}
}

// TestCommitted compares all encoded instructions of the generated files with GNU as, where it is installed.
func TestCommitted(t *testing.T) {
	var files []string
	for _, name := range []string{"../../../infer/internal/kernel/amx/*_amd64.s", "../../kernel/amx_amd64.s"} {
		some, err := filepath.Glob(name)
		if err != nil || len(some) == 0 {
			t.Fatalf("no generated files: %v", err)
		}
		files = append(files, some...)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return !strings.HasPrefix(line, "\tLONG") })
		if len(lines) > 0 {
			compare(t, lines)
		}
	}
}

// TestRefused feeds operands that have no encoding.
func TestRefused(t *testing.T) {
	for name, emit := range map[string]func(c *Code){
		"SP as a stride": func(c *Code) { c.TILELOADD(AX, SP, 0) },
		"a tile twice":   func(c *Code) { c.TDPBUSD(1, 2, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			emit(&Code{})
		}()
	}
	if !bytes.Equal(tilerelease(), []byte{0xc4, 0xe2, 0x78, 0x49, 0xc0}) {
		t.Error("TILERELEASE")
	}
}
