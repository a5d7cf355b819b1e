// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// integerOnly are the packages without floating point, each after those it
// imports.
var integerOnly = []string{"fixed", "geometry", "internal/safetensors", "internal/amx", "internal/arena", "internal/wait", "qmodel",
	"infer/internal/kernel", "infer/internal/kernel/vector", "infer/internal/kernel/avx2", "infer/internal/kernel/avx512",
	"infer/internal/kernel/amx", "infer/internal/kernel/neon", "infer/internal/kernel/simd128", "infer/internal/kernel/sets", "infer", "images/internal/ifd", "images",
	"images/formats", "examples/activity/sensor"}

// TestNoFloatingPoint proves by types that the integer packages have no
// floating point: no expression, variable, constant or signature they use has a
// floating-point type, they import no package math but math/bits, and their
// assembly has no floating-point instruction. Tests are exempt.
func TestNoFloatingPoint(t *testing.T) {
	exports := exportData(t)
	for _, system := range []struct {
		os, arch string
		tags     []string
	}{{"linux", "amd64", nil}, {"linux", "amd64", []string{"purego"}}, {"linux", "arm64", nil}, {"windows", "amd64", nil}, {"js", "wasm", nil}} {
		context := build.Default
		context.GOOS, context.GOARCH, context.BuildTags, context.CgoEnabled = system.os, system.arch, system.tags, false
		c := newChecker(exports)
		for _, pkg := range integerOnly {
			files, err := c.parse(&context, pkg)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.check(module+"/"+pkg, files); err != nil {
				t.Fatalf("%s/%s %v: %v", system.os, system.arch, system.tags, err)
			}
		}
		for _, f := range c.findings {
			t.Errorf("%s/%s %v: %s", system.os, system.arch, system.tags, f)
		}
	}
	for _, pkg := range integerOnly {
		assembly, err := filepath.Glob(pkg + "/*.s")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range assembly {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range floatInstructions(f) {
				t.Errorf("%s:%s", name, finding)
			}
			f.Close()
		}
	}
}

// exportData returns the files with the types of all packages that the integer
// packages import, by path. They are those of this system; the others of the
// standard library differ in nothing that matters here, but for what JavaScript
// alone has.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	packages := []string{"-deps", "math"}
	for _, pkg := range integerOnly {
		packages = append(packages, "./"+pkg)
	}
	exports := exported(t, nil, packages...)
	maps.Copy(exports, exported(t, []string{"GOOS=js", "GOARCH=wasm"}, "syscall/js"))
	return exports
}

// exported asks go list, in an environment with more variables.
func exported(t *testing.T, env []string, packages ...string) map[string]string {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}"}, packages...)...)
	list.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if pkg, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			exports[pkg] = file
		}
	}
	return exports
}

// A checker finds floating point in packages, checked one after the other.
type checker struct {
	files    *token.FileSet
	others   types.Importer
	checked  map[string]*types.Package
	findings []string
}

func newChecker(exports map[string]string) *checker {
	c := &checker{files: token.NewFileSet(), checked: map[string]*types.Package{}}
	c.others = importer.ForCompiler(c.files, "gc", func(pkg string) (io.ReadCloser, error) {
		file, ok := exports[pkg]
		if !ok {
			return nil, fmt.Errorf("no export data of %s", pkg)
		}
		return os.Open(file)
	})
	return c
}

// Import implements types.Importer: a package checked here, or one that go list
// has compiled.
func (c *checker) Import(pkg string) (*types.Package, error) {
	if p, ok := c.checked[pkg]; ok {
		return p, nil
	}
	return c.others.Import(pkg)
}

// parse returns the files of a package for a system.
func (c *checker) parse(context *build.Context, pkg string) ([]*ast.File, error) {
	dir, err := os.ReadDir(pkg)
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, d := range dir {
		name := d.Name()
		match, err := context.MatchFile(pkg, name)
		if err != nil {
			return nil, err
		}
		if !match || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(c.files, filepath.Join(pkg, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// check checks a package and adds what it finds.
func (c *checker) check(pkg string, files []*ast.File) error {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: c, Sizes: types.SizesFor("gc", "amd64")}
	p, err := config.Check(pkg, c.files, files, info)
	if err != nil {
		return err
	}
	c.checked[pkg] = p
	for e, tv := range info.Types {
		if float(tv.Type) {
			c.report(e.Pos(), types.ExprString(e), tv.Type)
		}
	}
	for _, objects := range []map[*ast.Ident]types.Object{info.Defs, info.Uses} {
		for id, o := range objects {
			if o != nil && float(o.Type()) {
				c.report(id.Pos(), id.Name, o.Type())
			}
		}
	}
	for _, f := range files {
		for _, i := range f.Imports {
			if name, _ := strconv.Unquote(i.Path.Value); name == "math" || strings.HasPrefix(name, "math/") && name != "math/bits" {
				c.findings = append(c.findings, fmt.Sprintf("%s: imports %s", c.files.Position(i.Pos()), name))
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && (l.Kind == token.FLOAT || l.Kind == token.IMAG) {
				c.findings = append(c.findings, fmt.Sprintf("%s: %s is a floating-point literal", c.files.Position(l.Pos()), l.Value))
			}
			return true
		})
	}
	slices.Sort(c.findings)
	c.findings = slices.Compact(c.findings)
	return nil
}

func (c *checker) report(at token.Pos, what string, t types.Type) {
	c.findings = append(c.findings, fmt.Sprintf("%s: %s has type %s", c.files.Position(at), what, t))
}

// float says whether a type is or holds floating-point numbers. Of a named type
// it is known from its declaration whether its fields do; methods count where
// they are used.
func float(t types.Type) bool {
	switch t := t.(type) {
	case *types.Basic:
		return t.Info()&(types.IsFloat|types.IsComplex) != 0
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			if float(a) {
				return true
			}
		}
		b, ok := t.Underlying().(*types.Basic)
		return ok && float(b)
	case *types.Alias:
		return float(types.Unalias(t))
	case *types.Pointer:
		return float(t.Elem())
	case *types.Slice:
		return float(t.Elem())
	case *types.Array:
		return float(t.Elem())
	case *types.Chan:
		return float(t.Elem())
	case *types.Map:
		return float(t.Key()) || float(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			if float(f.Type()) {
				return true
			}
		}
	case *types.Tuple:
		for v := range t.Variables() {
			if float(v.Type()) {
				return true
			}
		}
	case *types.Signature:
		return float(t.Params()) || float(t.Results())
	}
	return false
}

var (
	instruction = regexp.MustCompile(`^(?:\w+:)?\s*([A-Z][A-Za-z0-9.]*)\b`)
	// Of x86: names that end in the types of float vectors and scalars, moves
	// and bitwise instructions included, since each has an integer form;
	// conversions; moves of float lanes; x87. Of ARM64 and wasm: names that begin
	// with the float unit's letter or type.
	floatName = regexp.MustCompile(`(SS|SD|PS|PD|PH)$|^V?CVT|^[SU]CVTF|[FX](128|32X[248]|64X[24])$|^V?F[A-Z]|^F(32|64)`)
	// Integer names that look like them: packed integers but for permutations
	// of floats, and what the assembler itself understands.
	integerName = regexp.MustCompile(`^(FUNCDATA|VPCMPU?D|V?P[A-Z]*(SD|SS))$|I(128|32X[248]|64X[24])$`)
	// An instruction of ARM64 that Go's assembler has no name for.
	word = regexp.MustCompile(`^\s*WORD\s+\$(0x[0-9a-f]{8})\s*$`)
	// An instruction of AMD64 that Go's assembler has no name for: the bytes of a
	// VEX prefix for map 0F 38 and of an opcode, the last first, and others.
	vex = regexp.MustCompile(`^\s*LONG\s+\$0x([0-9a-f]{2})[0-9a-f]{2}[02468ace]2c4(; BYTE \$0x[0-9a-f]{2})+\s*$`)
)

// integerTile says whether an opcode, in hexadecimal digits, is one of AMX that
// moves tiles or multiplies bytes. That of products of bfloat16 is 5c.
func integerTile(opcode string) bool { return opcode == "49" || opcode == "4b" || opcode == "5e" }

// integerWord says whether a word is an instruction of ARM64 on vectors of
// integers, by its class in the architecture's manual ("Advanced SIMD") and its
// opcode there.
func integerWord(w uint32) bool {
	switch {
	case w&0x9f200c00 == 0x0e200000: // three different: what widens and narrows
		return true
	case w&0x9f200400 == 0x0e200400: // three same
		return w>>11&31 < 0b11000
	case w&0x9f3e0c00 == 0x0e200800: // two-register miscellaneous
		opcode := w >> 12 & 31
		return opcode < 0b01100 || opcode >= 0b10010 && opcode <= 0b10100
	case w&0x9f000400 == 0x0f000000: // vector by element: SMLAL, SMLSL, SMULL and SDOT, or unsigned
		return w>>12&3 == 0b10
	case w&0x9f800400 == 0x0f000400 && w>>19&15 != 0: // shift by immediate
		opcode := w >> 11 & 31
		return opcode != 0b11100 && opcode != 0b11111
	}
	return false
}

// floatInstructions returns the floating-point instructions of an assembly
// file, with their lines.
func floatInstructions(r io.Reader) (findings []string) {
	s := bufio.NewScanner(r)
	for line := 1; s.Scan(); line++ {
		text, _, _ := strings.Cut(s.Text(), "//")
		if code := vex.FindStringSubmatch(text); code != nil && integerTile(code[1]) {
			continue
		}
		for _, part := range strings.Split(text, ";") {
			m := instruction.FindStringSubmatch(part)
			if m == nil {
				continue
			}
			name, _, _ := strings.Cut(m[1], ".")
			if name == "WORD" {
				code := word.FindStringSubmatch(part)
				if code == nil {
					findings = append(findings, fmt.Sprintf("%d: a word that is not a plain number", line))
				} else if w, _ := strconv.ParseUint(code[1], 0, 32); !integerWord(uint32(w)) {
					findings = append(findings, fmt.Sprintf("%d: %s is no instruction known to be on integers", line, code[1]))
				}
				continue
			}
			if name == "LONG" || name == "BYTE" || name == "QUAD" {
				findings = append(findings, fmt.Sprintf("%d: %s holds no instruction known to be on integers", line, strings.TrimSpace(part)))
				continue
			}
			if floatName.MatchString(name) && !integerName.MatchString(name) {
				findings = append(findings, fmt.Sprintf("%d: %s is a floating-point instruction", line, m[1]))
			}
		}
	}
	return findings
}

// TestNoFloatingPointFinds proves that the checks above can fail.
func TestNoFloatingPointFinds(t *testing.T) {
	exports := exportData(t)
	findings := func(t *testing.T, source string) []string {
		c := newChecker(exports)
		f, err := parser.ParseFile(c.files, "snippet.go", "package snippet\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check("snippet", []*ast.File{f}); err != nil {
			t.Fatal(err)
		}
		return c.findings
	}
	for _, source := range []string{
		"var x float32",
		"var x = 1 / 3.0",
		"const c = 0.5",
		"var n int = 1e3",
		"type T struct{ a []map[string]*float64 }",
		"type T[K any] struct{ k K }; func f() { _ = T[complex64]{} }",
		"func f[T int | float32](x T) T { return x }",
		"func f(n int) int { return int(float64(n)) }",
		`import "math"; func f(x uint32) bool { return math.Float32frombits(x) > 0 }`,
		`import "math"; const n = math.MaxInt32`,
		`import "strconv"; func f(s string) { strconv.ParseFloat(s, 64) }`,
		"func f(x any) { switch x.(type) { case float64: } }",
	} {
		if len(findings(t, source)) == 0 {
			t.Errorf("nothing found in %q", source)
		}
	}
	if found := findings(t, `import ("fmt"; "math/bits"; "slices"); func f(x []uint64) { slices.Sort(x); fmt.Println(bits.Len64(x[0]), min(1, 2)) }`); found != nil {
		t.Errorf("found in integers: %v", found)
	}

	for _, s := range []string{
		"\tADDSS X0, X1", "loop: MULPS X0, X1", "\tVFMADD231PS Y0, Y1, Y2", "\tVCVTDQ2PS Y0, Y1", "\tCVTSL2SD AX, X0", "\tMOVSD X0, (AX)",
		"\tVPERMILPS $1, Y0, Y1", "\tVEXTRACTF128 $1, Y0, X1", "\tVBROADCASTSS (AX), Y0", "\tXORL AX, AX; SQRTSD X0, X1",
		"\tFADDS F0, F1, F2", "\tSCVTFWS R0, F0", "\tFMOVD F0, (R0)", "\tVFMLA V0.S4, V1.S4, V2.S4", "\tF32Add", "\tVRNDSCALEPS.RN_SAE $0, Z0, Z1",
		"\tWORD $0x4e20cc20 // fmla v0.4s, v1.4s, v0.4s", "\tWORD $0x4f801020 // fmla v0.4s, v1.4s, v0.s[0]", "\tWORD $0x4e21d820 // scvtf v0.4s, v1.4s",
		"\tWORD $0x4ea0f820 // fabs v0.4s, v1.4s", "\tWORD $0x4f3fe420 // scvtf v0.4s, v1.4s, #1", "\tWORD $0x1e222820 // fadd s0, s1, s2", "\tWORD $x",
		"\tLONG $0x5c4ae2c4; BYTE $0xc4 // TDPBF16PS T6, T4, T0", "\tLONG $0x5e49e1c4; BYTE $0xc4", "\tBYTE $0xc4", "\tQUAD $0x1",
	} {
		if floatInstructions(strings.NewReader(s)) == nil {
			t.Errorf("nothing found in %q", s)
		}
	}
	for _, s := range []string{
		"TEXT ·f(SB), NOSPLIT, $0-24", "\tVPMADDUBSW Y0, Y1, Y2", "\tVPDPBUSD Z0, Z1, Z2", "\tVPDPWSSD.Z Z0, Z1, K1, Z2", "\tPABSD X0, X1", "\tVPMINSD Y0, Y1, Y2", "\tVPCMPD $2, Z0, Z1, K1",
		"\tVINSERTI128 $1, X0, Y1, Y2", "\tVEXTRACTI64X4 $1, Z0, Y1", "\tVPBROADCASTD X0, Y0", "\tVPSLLD $2, Y0, Y1", "\tMOVOU X0, (AX)",
		"\tVZEROUPPER", "\tPOPCNTQ AX, BX", "\tVPSADBW Y0, Y1, Y2", "\tSDOT V0.B16, V1.B16, V2.S4", "\tFUNCDATA $0, x(SB)", "// ADDSS in a comment", "\tPSUBD X0, X1",
		"\tWORD $0x4f98e3c0 // sdot v0.4s, v30.16b, v24.4b[0]", "\tWORD $0x0f4023c6 // smlal v6.4s, v30.4h, v0.h[0]", "\tWORD $0x6e202800 // uaddlp v0.8h, v0.16b",
		"\tLONG $0x5e49e2c4; BYTE $0xc4 // TDPBUSD T6, T4, T0", "\tLONG $0x4b7bc2c4; BYTE $0x24; BYTE $0x00 // TILELOADD (R8)(AX*1), T4",
	} {
		if found := floatInstructions(strings.NewReader(s)); found != nil {
			t.Errorf("found in integers: %q", found)
		}
	}
}
