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

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// A board is a processor under QEMU. The code for Cortex-M0 runs on the board of a Cortex-M3, whose instructions contain
// those of the M0, because that of an M0 has no memory for networks.
type board struct{ cpu, machine string }

var boards = []board{{"cortex-m0", "mps2-an385"}, {"cortex-m4", "mps2-an386"}}

// build compiles a model for a processor, and returns the folder of the program.
func build(t *testing.T, b board, m *qmodel.Model, flags ...string) string {
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
	args := append([]string{"-mthumb", "-mcpu=" + b.cpu, "-nostartfiles", "-T", "board.ld", "-o", "net.elf"}, warnings...)
	args = append(append(args, flags...), "arm.c", "board.c")
	command(t, dir, "", "arm-none-eabi-gcc", args...)
	return dir
}

// runOn runs images through what build made, under QEMU, and returns the logits and the instructions of a run.
func runOn(t *testing.T, b board, dir string, images [][]uint8) (string, int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "images"), []byte(input(images)), 0o666); err != nil {
		t.Fatal(err)
	}
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
			n := instructionsOn(t, on, m)
			t.Logf("%s: %d channels: %.2f instructions a multiply-accumulate", on.cpu, channels, n/macs)
			if channels >= 16 && n > limits[on.cpu]*macs { // with fewer, windows weigh more than products
				t.Errorf("more than %v", limits[on.cpu])
			}
		}
	}
}

// instructionsOn returns the instructions of a run on a board, where the logits must be those of the runtime.
func instructionsOn(t *testing.T, on board, m *qmodel.Model) float64 {
	x := images(m, 2)
	got, n := runOn(t, on, build(t, on, m, "-O2"), x)
	if want := logits(t, m, x); got != want {
		t.Errorf("logits %s, want %s", got, want)
	}
	return float64(n)
}

// TestInstructionsOfBits counts the instructions of 3×3 layers by the bits of their weights, and of a binary one, whose codes are
// signs, as TestInstructionsOfConvolution does.
func TestInstructionsOfBits(t *testing.T) {
	limits := map[string]map[int]float64{"cortex-m0": {8: 5.5, 4: 5.8, 2: 4.4, 1: 3}, "cortex-m4": {8: 1.8, 4: 2, 2: 2.1, 1: 1.75}}
	const channels = 32
	for _, weightBits := range []int{8, 4, 2, 1} {
		rng := rand.New(rand.NewPCG(1, 1))
		b := qmodeltest.New(rng, 8, 8, channels)
		f, x, layer := qmodeltest.Form{WeightBits: weightBits, CodeBits: 8}, 0, 0
		if weightBits == 1 {
			b = qmodeltest.New(rng, 8, 8, 1)
			x, layer = b.ConvForm(0, qmodeltest.Square(1, 1, 0), channels, 1, qmodeltest.Form{WeightBits: 8, CodeBits: 1, Signs: true}), 1
		}
		x = b.ConvForm(x, qmodeltest.Square(3, 1, 1), channels, 1, f)
		m := b.Finish(b.AvgPool(x, qmodeltest.Square(8, 1, 0), 8), 2)
		macs := float64(m.MACs(layer))
		for _, on := range boards {
			n := instructionsOn(t, on, m)
			t.Logf("%s: weights of %d bits: %.2f instructions a multiply-accumulate", on.cpu, weightBits, n/macs)
			if limit := limits[on.cpu][weightBits]; n > limit*macs {
				t.Errorf("more than %v", limit)
			}
		}
	}
}

// TestBoards runs 200 images through the models of examples/ and those that the pattern in GOQAT_MODELS matches, compiled
// for this machine and for each board, wants infer's logits, and logs what a network takes.
func TestBoards(t *testing.T) {
	paths, err := filepath.Glob(os.Getenv("GOQAT_MODELS"))
	if err != nil {
		t.Fatal(err)
	}
	sample, err := datasets.Open("fashion-sample", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append([]string{"../../examples/embed/fashion.qmodel"}, paths...) {
		t.Run(path, func(t *testing.T) { runEverywhere(t, open(t, path), sample.Test.Images) })
	}
}

// runEverywhere is TestBoards for one model, with the sample's images if they fit.
func runEverywhere(t *testing.T, m *qmodel.Model, sample []uint8) {
	x := images(m, 200)
	if n := m.Tensors[0].Len(); n == 28*28 {
		for i := range x {
			x[i] = sample[i*n:][:n]
		}
	}
	want := logits(t, m, x)
	dir := write(t, m)
	for _, compiler := range compilers(t) {
		for _, level := range []string{"-Os", "-O3"} {
			command(t, dir, "", compiler, append([]string{level, "net.c", "main.c", "-o", "net"}, warnings...)...)
			if command(t, dir, input(x), "./net") != want {
				t.Errorf("other logits by %s %s", compiler, level)
			}
		}
	}
	var macs int64
	for i := range m.Operators {
		macs += m.MACs(i) * int64(max(1, m.Accumulators(&m.Operators[i])))
	}
	source, _, err := Export(m, "net")
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range boards {
		dir := build(t, on, m, "-O2")
		command(t, dir, "", "arm-none-eabi-gcc", "-mthumb", "-mcpu="+on.cpu, "-O2", "-c", "arm.c")
		size := strings.Fields(command(t, dir, "", "arm-none-eabi-size", "arm.o"))
		text, err := strconv.Atoi(size[6])
		if err != nil {
			t.Fatal(size)
		}
		got, n := runOn(t, on, dir, x)
		if got != want {
			t.Errorf("other logits on %s", on.cpu)
		}
		t.Logf("%s: code %d, constants %d, arena %d bytes; %d instructions, %.2f a multiply-accumulate of %d",
			on.cpu, text-source.ConstantBytes, source.ConstantBytes, source.ArenaBytes, n, float64(n)/float64(macs), macs)
	}
}
