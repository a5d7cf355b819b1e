// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTiles multiplies a row of two bytes with a column, by hand: 3·5 + 255·(-2) + 100.
func TestTiles(t *testing.T) {
	m := load(t,
		"LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)",
		"MOVQ $64, AX",
		"LONG $0x4b7bc2c4; BYTE $0x04; BYTE $0x00 // TILELOADD (R8)(AX*1), T0",
		"LONG $0x4b7bc2c4; BYTE $0x24; BYTE $0x01 // TILELOADD (R9)(AX*1), T4",
		"LONG $0x4b7bc2c4; BYTE $0x34; BYTE $0x02 // TILELOADD (R10)(AX*1), T6",
		"LONG $0x5e49e2c4; BYTE $0xc4 // TDPBUSD T6, T4, T0",
		"LONG $0x4b7ac2c4; BYTE $0x04; BYTE $0x00 // TILESTORED T0, (R8)(AX*1)",
		"LONG $0x4978e2c4; BYTE $0xc0 // TILERELEASE",
		"RET")
	config := make([]byte, 64)
	config[0] = 1
	config[16], config[48], config[16+8], config[48+4], config[16+12], config[48+6] = 4, 1, 4, 1, 4, 1
	sum := []byte{100, 0, 0, 0}
	if err := m.Run("f", m.Give(config), m.Give(sum), m.Give([]byte{3, 255, 0, 0}), m.Give([]byte{5, 254, 0, 0})); err != nil {
		t.Fatal(err)
	}
	if got := int32(get32(sum)); got != 3*5-255*2+100 {
		t.Error(got)
	}
}

// TestFloats multiplies a row of four numbers with a column, by hand. The first of each pair add up to 2^24 + 1, which float32
// rounds to 2^24; the second to -3, since 2^-130 is 0. With the 5 there is, that is 2^24 + 2.
func TestFloats(t *testing.T) {
	m := load(t,
		"LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)",
		"MOVQ $64, AX",
		"LONG $0x4b7bc2c4; BYTE $0x04; BYTE $0x00 // TILELOADD (R8)(AX*1), T0",
		"LONG $0x4b7bc2c4; BYTE $0x24; BYTE $0x01 // TILELOADD (R9)(AX*1), T4",
		"LONG $0x4b7bc2c4; BYTE $0x34; BYTE $0x02 // TILELOADD (R10)(AX*1), T6",
		"LONG $0x5c4ae2c4; BYTE $0xc4 // TDPBF16PS T6, T4, T0",
		"LONG $0x4b7ac2c4; BYTE $0x04; BYTE $0x00 // TILESTORED T0, (R8)(AX*1)",
		"LONG $0x4978e2c4; BYTE $0xc0 // TILERELEASE",
		"RET")
	config := make([]byte, 64)
	config[0] = 1
	config[16], config[48], config[16+8], config[48+4], config[16+12], config[48+6] = 4, 1, 8, 1, 4, 2
	halves := func(values ...float32) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		}
		return b
	}
	sum := binary.LittleEndian.AppendUint32(nil, math.Float32bits(5))
	column := append(halves(4096, 1), make([]byte, 60)...)
	column = append(column, halves(1, 0x1p-130)...) // the last is 0
	if err := m.Run("f", m.Give(config), m.Give(sum), m.Give(halves(4096, -3, 1, 0x1p120)), m.Give(column)); err != nil {
		t.Fatal(err)
	}
	if got := math.Float32frombits(get32(sum)); got != 1<<24+2 {
		t.Errorf("%f", got)
	}
}

// load returns a machine with a function f of four arguments, which are in DI, R8, R9 and R10.
func load(t *testing.T, lines ...string) *Machine {
	t.Helper()
	m, err := assemble(t, lines)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func assemble(t *testing.T, lines []string) (*Machine, error) {
	t.Helper()
	head := []string{"TEXT ·f(SB), NOSPLIT, $0-32", "\tMOVQ a+0(FP), DI", "\tMOVQ b+8(FP), R8", "\tMOVQ c+16(FP), R9", "\tMOVQ d+24(FP), R10"}
	name := filepath.Join(t.TempDir(), "f.s")
	if err := os.WriteFile(name, []byte(strings.Join(head, "\n")+"\n\t"+strings.Join(lines, "\n\t")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return New(name)
}

// TestFaults runs what a processor refuses.
func TestFaults(t *testing.T) {
	for want, lines := range map[string][]string{
		"not configured":  {"LONG $0x497be2c4; BYTE $0xd8 // TILEZERO T3", "RET"},
		"keeps the tiles": {"LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)", "RET"},
		"fit together":    {"LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)", "LONG $0x5e49e2c4; BYTE $0xc4 // TDPBUSD T6, T4, T0", "RET"},
		"bytes of nobody": {"LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)", "MOVQ $1, AX", "LONG $0x4b7bc2c4; BYTE $0x24; BYTE $0x00 // TILELOADD (R8)(AX*1), T4", "RET"},
		"no such size":    {"ADDQ $64, DI", "LONG $0x4978e2c4; BYTE $0x07 // LDTILECFG (DI)", "RET"},
	} {
		m := load(t, lines...)
		config := make([]byte, 128)
		config[0], config[64] = 1, 1
		config[16], config[48], config[16+8], config[48+4], config[16+12], config[48+6] = 8, 1, 4, 1, 4, 1
		config[64+48] = 17
		err := m.Run("f", m.Give(config), m.Give(make([]byte, 3)), 0, 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestBytes decodes bytes that are other instructions than their comments say, or none.
func TestBytes(t *testing.T) {
	for _, line := range []string{
		"LONG $0x497be2c4; BYTE $0xd8 // TILEZERO T2",
		"LONG $0x4b7bc2c4; BYTE $0x24; BYTE $0x01 // TILELOADD (R8)(AX*1), T4",
		"LONG $0x5e4be2c4; BYTE $0xc4 // TDPBSSD T6, T4, T0",
		"LONG $0x4978e2c4 // LDTILECFG (DI)",
		"LONG $0x4978e1c4; BYTE $0x07 // LDTILECFG (DI)",
		"LONG $0x4978e2c4; BYTE $0x07; BYTE $0x00 // LDTILECFG (DI)",
		"LONG $0x4978e2c4; BYTE $0x05 // LDTILECFG (BP)",
	} {
		if _, err := assemble(t, []string{line, "RET"}); err == nil {
			t.Errorf("%s is taken", line)
		}
	}
}
