// SPDX-License-Identifier: Apache-2.0

//go:build long

package cgen

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// A board is a processor under QEMU. The code for Cortex-M0 runs on the board of a Cortex-M3, whose instructions contain
// those of the M0, because that of an M0 has no memory for networks.
type board struct{ cpu, machine string }

var boards = []board{{"cortex-m0", "mps2-an385"}, {"cortex-m4", "mps2-an386"}}

// runOn compiles a model for a processor, runs images under QEMU, and returns the logits and the instructions of a run.
func runOn(t *testing.T, b board, m *qmodel.Model, images [][]uint8, flags ...string) (string, int) {
	t.Helper()
	for _, tool := range []string{"arm-none-eabi-gcc", "qemu-system-arm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := write(t, m)
	for _, name := range []string{"board.c", "board.ld"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "images"), []byte(input(images)), 0o666); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-mthumb", "-mcpu=" + b.cpu, "-nostartfiles", "-T", "board.ld", "-o", "net.elf"}, warnings...)
	args = append(append(args, flags...), "arm.c", "board.c")
	command(t, dir, "", "arm-none-eabi-gcc", args...)
	out := command(t, dir, "", "qemu-system-arm", "-M", b.machine, "-nographic", "-monitor", "none", "-serial", "none",
		"-icount", "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel", "net.elf")
	logits, count, ok := strings.Cut(out, "\ninstructions ")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if !ok || err != nil {
		t.Fatalf("%s: %q", b.cpu, out)
	}
	return logits, n
}

// TestInstructionsOfConvolution counts the instructions of 3×3 layers of 8 bits, all that a network takes: windows,
// requantization, a small last layer.
func TestInstructionsOfConvolution(t *testing.T) {
	limits := map[string]float64{"cortex-m0": 7, "cortex-m4": 2.5}
	for _, channels := range []int{8, 16, 32, 64} {
		rng := rand.New(rand.NewPCG(1, 1))
		b := qmodeltest.New(rng, 8, 8, channels)
		x := b.Conv(0, qmodeltest.Square(3, 1, 1), channels, 1, 8, 8)
		m := b.Finish(b.AvgPool(x, qmodeltest.Square(8, 1, 0), 8), 2)
		macs := float64(m.MACs(0))
		for _, on := range boards {
			x := images(m, 2)
			got, n := runOn(t, on, m, x, "-O2")
			t.Logf("%s: %d channels: %.2f instructions a multiply-accumulate", on.cpu, channels, float64(n)/macs)
			if want := logits(t, m, x); got != want {
				t.Errorf("logits %s, want %s", got, want)
			}
			if float64(n) > limits[on.cpu]*macs {
				t.Errorf("more than %v", limits[on.cpu])
			}
		}
	}
}
