// SPDX-License-Identifier: Apache-2.0

//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/goqat/goqat/dist"
)

// libraryVariable names the environment variable that names the library.
const libraryVariable = "GOQAT_MPI"

// A handle is a handle of MPI: an int of MPICH, an address in Open MPI, a small number of the
// standard ABI. All of them travel in a register.
type handle = uintptr

// An abi has the constants in which the libraries differ.
type abi struct {
	name         string
	world        handle // MPI_COMM_WORLD
	bytes        handle // MPI_BYTE
	returnErrors handle // MPI_ERRORS_RETURN
	inPlace      uintptr
	ignoreStatus uintptr
	funneled     int32 // MPI_THREAD_FUNNELED
}

// Both are at most this in all of them: 8192 and 512 are the greatest.
const (
	longestVersion = 8192
	longestProblem = 8192
)

// The ABI of MPICH and of whoever keeps to it (Intel MPI, MVAPICH, HPE Cray), and that of MPI 5.0,
// chapter 20.
var (
	mpich    = abi{name: "MPICH", world: 0x44000000, bytes: 0x4c00010d, returnErrors: 0x54000001, inPlace: ^uintptr(0), ignoreStatus: 1, funneled: 1}
	standard = abi{name: "MPI 5", world: 0x101, bytes: 0x247, returnErrors: 0x143, inPlace: 1, ignoreStatus: 0, funneled: 1024}
)

// A library is an MPI library that is loaded.
type library struct {
	abi
	path      string
	version   string // its first line
	functions map[string]uintptr
	exit      uintptr // of the C library
}

// functions are those that a Comm calls.
var functions = []string{
	"MPI_Init_thread", "MPI_Finalize", "MPI_Abort", "MPI_Comm_rank", "MPI_Comm_size", "MPI_Comm_set_errhandler", "MPI_Error_string",
	"MPI_Get_library_version", "MPI_Ialltoallv", "MPI_Iallgatherv", "MPI_Ibcast", "MPI_Test",
}

// candidates are the names of libraries to look for: that of the environment, or else those of the
// launcher's make first. MPICH's is called otherwise by Debian than by everybody else.
func candidates(l dist.Launcher) []string {
	if path := os.Getenv(libraryVariable); path != "" {
		return []string{path}
	}
	openMPI := []string{"libmpi.so.40"}
	others := []string{"libmpi_abi.so.1", "libmpich.so.12", "libmpi.so.12"}
	if l.Name == dist.OpenMPI || os.Getenv("PMIX_RANK") != "" { // as by srun --mpi=pmix, which MPICH seldom speaks
		return append(openMPI, others...)
	}
	return append(others, openMPI...)
}

// load loads the first library there is.
func load(names []string) (*library, error) {
	var failed []error
	for _, name := range names {
		// The plugins of Open MPI look for its symbols among those of the whole process.
		at, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		l := &library{path: name, functions: map[string]uintptr{}}
		for _, f := range functions {
			if l.functions[f], err = purego.Dlsym(at, f); err != nil {
				return nil, fmt.Errorf("mpi: %s is no MPI library that goqat can use: %w", name, err)
			}
		}
		if l.exit, err = purego.Dlsym(purego.RTLD_DEFAULT, "exit"); err != nil {
			return nil, fmt.Errorf("mpi: there is no C library: %w", err)
		}
		return l, l.detect(at)
	}
	return nil, fmt.Errorf("mpi: there is no MPI library; install Open MPI or MPICH, or name its library in %s: %w", libraryVariable, errors.Join(failed...))
}

// detect finds out the ABI. Asking for versions is allowed before MPI is initialized.
func (l *library) detect(at uintptr) error {
	text, n := make([]byte, longestVersion), new(int32)
	purego.SyscallN(l.functions["MPI_Get_library_version"], uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(n)))
	line, _, _ := strings.Cut(string(text[:min(max(*n, 0), longestVersion)]), "\n")
	l.version = strings.Join(strings.Fields(strings.Trim(line, "\x00")), " ")
	if world, err := purego.Dlsym(at, "ompi_mpi_comm_world"); err == nil && !l.isStandard() {
		l.abi = abi{name: dist.OpenMPI, world: world, inPlace: 1, funneled: 1}
		if l.bytes, err = purego.Dlsym(at, "ompi_mpi_byte"); err == nil {
			l.returnErrors, err = purego.Dlsym(at, "ompi_mpi_errors_return")
		}
		if err != nil {
			return fmt.Errorf("mpi: %s (%s): %w", l.path, l.version, err)
		}
		return nil
	}
	l.abi = mpich
	if !l.isStandard() {
		return nil
	}
	l.abi = standard
	ask, err := purego.Dlsym(at, "MPI_Abi_get_version")
	if err != nil {
		return fmt.Errorf("mpi: %s (%s): %w", l.path, l.version, err)
	}
	major, minor := new(int32), new(int32)
	purego.SyscallN(ask, uintptr(unsafe.Pointer(major)), uintptr(unsafe.Pointer(minor)))
	if *major != 1 {
		return fmt.Errorf("mpi: %s (%s) has version %d.%d of the standard ABI, this program knows 1.x", l.path, l.version, *major, *minor)
	}
	return nil
}

// isStandard says whether the library's name is that of the standard ABI.
func (l *library) isStandard() bool { return strings.HasPrefix(filepath.Base(l.path), "libmpi_abi.so") }

// call calls a function on this thread. Arguments that point into Go's memory stay where they are
// until it returns.
//
//go:uintptrescapes
func (l *library) call(name string, args ...uintptr) error {
	result, _, _ := purego.SyscallN(l.functions[name], args...)
	code := int32(result)
	if code == 0 {
		return nil
	}
	text, n := make([]byte, longestProblem), new(int32)
	purego.SyscallN(l.functions["MPI_Error_string"], uintptr(code), uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(n)))
	return fmt.Errorf("mpi: %s: %s", name, bytes.TrimRight(text[:min(max(*n, 0), longestProblem)], "\x00\n "))
}
