// SPDX-License-Identifier: Apache-2.0

// Command _asm generates the assembly of the kernels, with the Go declarations of its functions: go run . PROCESSOR
// writes all files of a processor's package, go run . PROCESSOR FILE one of them. Those of simd128 are a module of WebAssembly.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"

	"github.com/goqat/goqat/infer/internal/kernel/_asm/amx"
	"github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"
	"github.com/goqat/goqat/infer/internal/kernel/_asm/avx2"
	"github.com/goqat/goqat/infer/internal/kernel/_asm/avx512"
	"github.com/goqat/goqat/infer/internal/kernel/_asm/neon"
	"github.com/goqat/goqat/infer/internal/kernel/_asm/simd128"
	"github.com/goqat/goqat/internal/_asm/tile"
)

// A generator writes one file of assembly, and its declarations to stubs, for a package.
type generator func(assembly, stubs, pkg string) error

// A processor is what its package's files are generated from.
type processor struct {
	arch  string
	files map[string]generator
}

var processors = map[string]processor{
	"amx":    {"amd64", own[tile.File](amx.Files)},
	"avx2":   {"amd64", amd64(avx2.Files)},
	"avx512": {"amd64", amd64(avx512.Files)},
	"neon":   {"arm64", own[arm64.File](neon.Files)},
}

func main() {
	if err := generate(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(args []string) error {
	known := strings.Join(slices.Sorted(maps.Keys(processors)), ", ") + ", simd128"
	if len(args) < 1 || len(args) > 2 {
		return errors.New("want a processor, one of " + known + ", and no more than one of its files")
	}
	pkg := args[0]
	if pkg == "simd128" && len(args) == 1 {
		return simd128.Kernels().Write("../simd128/module.go", pkg)
	}
	p, ok := processors[pkg]
	if !ok {
		return fmt.Errorf("%s is no processor; there are %s", pkg, known)
	}
	if len(args) == 1 {
		return all(pkg, p)
	}
	file, ok := p.files[args[1]]
	if !ok {
		return fmt.Errorf("%s has no file %s; there are %s", pkg, args[1], strings.Join(slices.Sorted(maps.Keys(p.files)), ", "))
	}
	assembly, stubs := fmt.Sprintf("../%s/%s_%s.s", pkg, args[1], p.arch), fmt.Sprintf("../%s/%s_stubs_%s.go", pkg, args[1], p.arch)
	if err := file(assembly, stubs, pkg); err != nil {
		return err
	}
	return errors.Join(license(assembly), license(stubs))
}

// all generates each file of a processor by a process of its own, since avo has one file a process.
func all(pkg string, p processor) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(p.files)) {
		if out, err := exec.Command(self, pkg, file).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", pkg, file, err, out)
		}
	}
	return nil
}

// amd64 makes generators of functions that emit code to avo's file.
func amd64(files map[string]func()) map[string]generator {
	generators := map[string]generator{}
	for name, emit := range files {
		generators[name] = func(assembly, stubs, pkg string) error {
			if err := flag.CommandLine.Parse([]string{"-out", assembly, "-stubs", stubs, "-pkg", pkg}); err != nil {
				return err
			}
			build.ConstraintExpr("!purego")
			emit()
			build.Generate()
			return nil
		}
	}
	return generators
}

// own makes generators of functions that emit code to a file F of a package beside this one.
func own[F any, P interface {
	*F
	Write(assembly, stubs, pkg string) error
}](files map[string]func(f P)) map[string]generator {
	generators := map[string]generator{}
	for name, emit := range files {
		generators[name] = func(assembly, stubs, pkg string) error {
			f := P(new(F))
			emit(f)
			return f.Write(assembly, stubs, pkg)
		}
	}
	return generators
}

// license puts the license before what a file holds.
func license(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, bytes.Join([][]byte{[]byte("// SPDX-License-Identifier: Apache-2.0\n"), text}, []byte("\n")), 0o666)
}
