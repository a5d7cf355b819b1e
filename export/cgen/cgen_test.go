// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// warnings are on, and are errors.
var warnings = []string{"-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"}

// compilers returns the C compilers of this machine.
func compilers(t *testing.T) []string {
	var found []string
	for _, name := range []string{"gcc", "clang"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		t.Skip("no C compiler")
	}
	return found
}

// harness is a program that reads images from standard input and writes their logits.
const harness = `#include "net.h"
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    uint8_t *image = malloc(NET_INPUT_BYTES);
    int32_t *logits = malloc(NET_CLASSES * sizeof *logits);
    void *arena = malloc(NET_ARENA_BYTES);
    while (fread(image, NET_INPUT_BYTES, 1, stdin) == 1) {
        int i;
        net_run(image, logits, arena);
        for (i = 0; i < NET_CLASSES; i++)
            printf("%ld ", (long)logits[i]);
    }
    free(image);
    free(logits);
    free(arena);
    return 0;
}
`

// instructions replaces those of the DSP extension by C, where the processor has none.
var instructions = strings.NewReplacer(
	`__asm__("uxtb16 %0, %1" : "=r"(y) : "r"(x))`, `y = x & 0xff00ffu`,
	`__asm__("uxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x))`, `y = x >> 8 & 0xff00ffu`,
	`__asm__("sxtb16 %0, %1" : "=r"(y) : "r"(x))`, `y = (uint16_t)(int8_t)x | (uint32_t)(int8_t)(x >> 16) << 16`,
	`__asm__("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x))`, `y = (uint16_t)(int8_t)(x >> 8) | (uint32_t)(int8_t)(x >> 24) << 16`,
	`__asm__("smlad %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum))`, `y = sum + (int16_t)a * (int16_t)b + (int16_t)(a >> 16) * (int16_t)(b >> 16)`,
	`__asm__("smlabb %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum))`, `y = sum + (int16_t)a * (int16_t)b`,
	`__asm__("smlatt %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum))`, `y = sum + (int16_t)(a >> 16) * (int16_t)(b >> 16)`,
)

// write exports a model to net.c and net.h in a folder of its own, beside the harness.
func write(t *testing.T, m *qmodel.Model) string {
	t.Helper()
	s, _, err := Export(m, "net")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	portable := []byte(instructions.Replace(string(s.C)))
	for name, text := range map[string][]byte{"net.c": portable, "arm.c": s.C, "net.h": s.Header, "main.c": []byte(harness)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func command(t *testing.T, dir, input, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Stdin = dir, strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// images draws images, noise of several strengths.
func images(m *qmodel.Model, n int) [][]uint8 {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	all := make([][]uint8, n)
	for i := range all {
		all[i] = make([]uint8, m.Tensors[0].Len())
		low := rng.IntN(200)
		for k := range all[i] {
			all[i][k] = uint8(low + rng.IntN(256-low))
		}
	}
	return all
}

// logits are those of infer, as the harness writes them.
func logits(t *testing.T, m *qmodel.Model, images [][]uint8) string {
	t.Helper()
	model, err := infer.New(m)
	if err != nil {
		t.Fatal(err)
	}
	r, err := model.NewRunner(infer.Options{Batch: len(images), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := make([]int32, len(images)*len(m.Classes))
	if err := r.Run(out, slices.Concat(images...)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, v := range out {
		fmt.Fprintf(&text, "%d ", v)
	}
	return text.String()
}

func input(images [][]uint8) string { return string(slices.Concat(images...)) }

// generated are random models of every operator, coding and kind of output.
func generated(seeds int) map[string]*qmodel.Model {
	models := map[string]*qmodel.Model{}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 5))
		models[fmt.Sprint("tiny", seed)] = qmodeltest.Tiny(rng)
		models[fmt.Sprint("binary", seed)] = qmodeltest.Binary(rng)
		models[fmt.Sprint("wide", seed)] = qmodeltest.Wide(rng)
		models[fmt.Sprint("dilated", seed)] = dilated(rng)
		models[fmt.Sprint("colors", seed)] = qmodeltest.Colors(rng)
		models[fmt.Sprint("branches", seed)] = qmodeltest.Branches(rng)
		models[fmt.Sprint("gated", seed)] = qmodeltest.Gated(rng)
		models[fmt.Sprint("counted", seed)] = counted(rng)
	}
	return models
}

// dilated is a model of dilated windows, of groups and of each channel for itself, and of concatenations.
func dilated(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 9, 8, 3)
	w := qmodeltest.Square(3, 1, 2)
	w.Dilation = [2]int{2, 2}
	x := b.Conv(0, w, 8, 1, 8, 6)
	y := b.Conv(x, w, 8, 8, 8, 8)
	w.Dilation, w.Pad = [2]int{1, 2}, [4]int{1, 2, 1, 2}
	z := b.Conv(x, w, 8, 2, 4, 8)
	x = b.MaxPool(b.Concat(8, y, x, z), qmodeltest.Square(2, 2, 0))
	return b.Finish(x, 3)
}

// counted is a model whose sums count bits: of more words than counts of bytes hold, of several signs a code, in groups, of one
// pixel.
func counted(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 7, 5, 3)
	binary := qmodeltest.Form{WeightBits: 1, CodeBits: 1, Signs: true}
	two := binary
	two.CodeBits = 2
	x := b.ConvForm(0, qmodeltest.Square(1, 1, 0), 128, 1, qmodeltest.Form{WeightBits: 8, CodeBits: 1, Signs: true})
	x = b.ConvForm(x, qmodeltest.Square(3, 1, 1), 9, 1, two)
	x = b.ConvForm(x, qmodeltest.Square(3, 1, 1), 42, 3, binary)
	x = b.ConvForm(b.Flatten(x), qmodeltest.Square(1, 1, 0), 7, 1, two)
	return b.Finish(x, 3)
}

// TestSameIntegers compiles random models with warnings as errors, one compiler watching for undefined behaviour, and
// wants infer's logits. The DSP extension's part runs with its instructions written in C.
func TestSameIntegers(t *testing.T) {
	cc := compilers(t)
	for name, m := range generated(1) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, m)
			x := images(m, 8)
			want := logits(t, m, x)
			for i, flags := range [][]string{{"-O1"}, {"-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"}, {"-DNET_DSP=1"}} {
				flags = append(flags, warnings...)
				command(t, dir, "", cc[i/2%len(cc)], append(flags, "net.c", "main.c", "-o", "net")...)
				if got := command(t, dir, input(x), "./net"); got != want {
					t.Errorf("%s: logits %s, want %s", flags, got, want)
				}
			}
		})
	}
}

// TestKnownAnswer compiles the main of a model of examples, and wants it to fail where the code is another.
func TestKnownAnswer(t *testing.T) {
	cc := compilers(t)[0]
	m := open(t, "../../examples/embed/fashion.qmodel")
	dir := write(t, m)
	command(t, dir, "", cc, append(slices.Clone(warnings), "-O1", "-DNET_TEST", "net.c", "-o", "net")...)
	command(t, dir, "", "./net")
	text, err := os.ReadFile(filepath.Join(dir, "net.c"))
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(text), "> (one >> 1)", "> one", 1) // rounds down
	if err := os.WriteFile(filepath.Join(dir, "broken.c"), []byte(broken), 0o666); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "", cc, "-O1", "-DNET_TEST", "broken.c", "-o", "broken")
	if err := exec.Command(filepath.Join(dir, "broken")).Run(); err == nil {
		t.Error("the known answer is right with another rounding")
	}
}

func open(t *testing.T, path string) *qmodel.Model {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := qmodel.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
