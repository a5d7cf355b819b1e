// SPDX-License-Identifier: Apache-2.0

package goqat_test

import (
	"bytes"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/goqat/goqat"

// gorgonia are the paths that the word gorgonia stands for in the table of
// ARCHITECTURE.md.
var gorgonia = []string{"gorgonia.org/", "github.com/chewxy/hm", "go4.org/unsafe/assume-no-moving-gc"}

// terminal are the packages that the word above leaves out: programs alone draw on a terminal.
var terminal = []string{"internal/term", "internal/command"}

// lattice is who may import whom, as the table of ARCHITECTURE.md says.
type lattice map[string][]string

var (
	row  = regexp.MustCompile("(?m)^\\| `([^|]*)` \\|.*\\| ([^|]*) \\|$")
	name = regexp.MustCompile("`([^`]+)`")
)

func readLattice(t *testing.T) lattice {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "## Who may import whom")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no section on imports")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	l, err := parseLattice(table)
	if err != nil {
		t.Errorf("ARCHITECTURE.md: %v", err)
	}
	return l
}

// parseLattice reads the rows of a table, of which each names packages of the rows above it
// only, or all of them by the word above. Its error is a row that names one below.
func parseLattice(table string) (l lattice, err error) {
	l = lattice{}
	var above []string
	for _, m := range row.FindAllStringSubmatch(table, -1) {
		l[m[1]] = nil
		for _, n := range name.FindAllStringSubmatch(m[2], -1) {
			if l[m[1]] = append(l[m[1]], n[1]); !slices.Contains(above, n[1]) && strings.Contains(table, "\n| `"+n[1]+"` |") {
				err = fmt.Errorf("%s may import %s, which does not stand above it", m[1], n[1])
			}
		}
		if strings.HasPrefix(m[2], "above") {
			l[m[1]] = append(l[m[1]], slices.DeleteFunc(slices.Clone(above), func(p string) bool { return slices.Contains(terminal, p) })...)
		}
		above = append(above, m[1])
	}
	return l, err
}

// entry returns the name under which a package is listed: its own, or that of
// all below a folder, as in `examples/…`.
func (l lattice) entry(pkg string) (string, bool) {
	if _, ok := l[pkg]; ok {
		return pkg, true
	}
	for at := pkg; at != "."; at = path.Dir(at) {
		listed := at
		if at != pkg {
			listed += "/…"
		}
		if _, ok := l[listed]; ok {
			return listed, true
		}
	}
	return "", false
}

// allows says whether a package may import a path that is not of the standard
// library.
func (l lattice) allows(entry, imported string) bool {
	may := l[entry]
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		program := strings.HasPrefix(own, "cmd/") || strings.HasPrefix(own, "examples/") || strings.HasSuffix(own, "test")
		return !program && slices.Contains(may, own)
	}
	if slices.ContainsFunc(gorgonia, func(p string) bool { return strings.HasPrefix(imported, p) }) {
		return slices.Contains(may, "gorgonia")
	}
	return slices.Contains(may, imported)
}

// TestImports holds every package to the table of ARCHITECTURE.md. It reads
// all files that are not tests, whatever system they are for.
func TestImports(t *testing.T) {
	l := readLattice(t)
	imports := sourceImports(t)
	seen := map[string]bool{}
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		entry, ok := l.entry(pkg)
		if !ok {
			t.Errorf("%s is new: decide what it may import and list it in ARCHITECTURE.md", pkg)
			continue
		}
		seen[entry] = true
		for file, imported := range imports[pkg] {
			for _, p := range imported {
				if strings.Contains(strings.Split(p, "/")[0], ".") && !l.allows(entry, p) {
					t.Errorf("%s imports %s, which the table of ARCHITECTURE.md does not allow %s", file, p, entry)
				}
			}
		}
	}
	for entry := range l {
		if !seen[entry] {
			t.Errorf("ARCHITECTURE.md lists %s, which does not exist", entry)
		}
	}
}

// TestLattice proves that TestImports can fail.
func TestLattice(t *testing.T) {
	l, err := parseLattice(`
| ` + "`b`" + ` | | — |
| ` + "`a`" + ` | | ` + "`b`" + ` |
| ` + "`b/c`" + ` | | ` + "`gorgonia` `example.org/x`" + ` |
| ` + "`b/ctest`" + ` | | ` + "`b`" + ` |
| ` + "`internal/term`" + ` | | — |
| ` + "`d/…`" + ` | | above |
| ` + "`e`" + ` | | above, ` + "`internal/term`" + ` |
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"a", module + "/b", true},
		{"a", module + "/b/c", false},
		{"a", "gorgonia.org/tensor", false},
		{"b/c", "gorgonia.org/tensor", true},
		{"b/c", "github.com/chewxy/hm", true},
		{"b/c", "example.org/x", true},
		{"b/c", "example.org/x/y", false},
		{"b/c", module + "/a", false},
		{"d/x/y", module + "/b/c", true},
		{"d/x/y", module + "/e", false},
		{"d/x/y", module + "/cmd/qat", false},
		{"d/x/y", module + "/b/ctest", false},
		{"d/x/y", module + "/internal/term", false},
		{"d/x/y", "gorgonia.org/tensor", false},
		{"e", module + "/b", true},
		{"e", module + "/internal/term", true},
	} {
		entry, listed := l.entry(c.pkg)
		if !listed || l.allows(entry, c.imported) != c.ok {
			t.Errorf("%s may import %s: %v, want %v", c.pkg, c.imported, !c.ok, c.ok)
		}
	}
	for _, pkg := range []string{"c", "d", "a/x"} {
		if entry, ok := l.entry(pkg); ok {
			t.Errorf("%s is listed as %s", pkg, entry)
		}
	}
	if _, err := parseLattice("\n| `a` | | `b` |\n| `b` | | — |\n"); err == nil {
		t.Error("a package may import one that stands below it")
	}
}

// sourceImports returns what each file of each package of the module imports.
// Tests, programs that generate something, and modules of their own are left
// out.
func sourceImports(t *testing.T) map[string]map[string][]string {
	t.Helper()
	imports := map[string]map[string][]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(file)
		if d.IsDir() {
			_, nested := os.Stat(path.Join(file, "go.mod"))
			if file != "." && (nested == nil || base == "testdata" || base[0] == '.' || base[0] == '_') {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(base) != ".go" || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		for _, g := range f.Comments {
			for _, c := range g.List {
				if constraint.IsGoBuild(c.Text) && strings.TrimSpace(strings.TrimPrefix(c.Text, "//go:build")) == "ignore" {
					return nil
				}
			}
		}
		pkg := path.Dir(file)
		if imports[pkg] == nil {
			imports[pkg] = map[string][]string{}
		}
		imports[pkg][file] = []string{}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports[pkg][file] = append(imports[pkg][file], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// TestInferDependencies proves what a program that embeds a model links: this
// module's integer packages, the standard library and golang.org/x/sys/cpu.
func TestInferDependencies(t *testing.T) {
	for _, system := range []string{"linux/amd64", "linux/arm64", "windows/amd64", "js/wasm"} {
		goos, arch, _ := strings.Cut(system, "/")
		list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./infer", "./images")
		list.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		list.Stderr = &stderr
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", system, err, &stderr)
		}
		for _, p := range strings.Fields(string(out)) {
			switch strings.TrimPrefix(p, module+"/") {
			case "fixed", "geometry", "internal/amx", "internal/arena", "internal/safetensors", "internal/wait", "qmodel", "infer", "images", "images/internal/ifd", "golang.org/x/sys/cpu",
				"infer/internal/kernel", "infer/internal/kernel/vector", "infer/internal/kernel/avx2", "infer/internal/kernel/avx512", "infer/internal/kernel/amx",
				"infer/internal/kernel/neon", "infer/internal/kernel/simd128", "infer/internal/kernel/sets":
			default:
				t.Errorf("%s: infer or images needs %s", system, p)
			}
		}
	}
}
