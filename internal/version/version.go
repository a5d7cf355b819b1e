// SPDX-License-Identifier: Apache-2.0

// Package version says what a program of this module is and what it runs on.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/infer"
)

// Info says what this program is and what it runs on.
type Info struct {
	Version  string   `json:"version"`
	Commit   string   `json:"commit"`   // "" where the build does not know it
	Modified bool     `json:"modified"` // the tree differed from the commit
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	CPU      []string `json:"cpu"`               // features that kernels make use of
	Kernels  []string `json:"kernels"`           // of the integer runtime here, the fastest first
	Refused  string   `json:"refused,omitempty"` // of these, by the operating system, and why
}

// String writes the information for people.
func (v Info) String() string {
	commit := v.Commit
	switch {
	case commit == "":
		commit = "unknown"
	case v.Modified:
		commit += " (modified)"
	}
	features := strings.Join(v.CPU, " ")
	if features == "" {
		features = "none in use, portable kernels"
	}
	text := fmt.Sprintf("version   %s\ncommit    %s\ngo        %s\nplatform  %s\ncpu       %s\nkernels   %s\n",
		v.Version, commit, v.Go, v.Platform, features, strings.Join(v.Kernels, ", "))
	if v.Refused != "" {
		text += "refused   " + v.Refused + "\n"
	}
	return text
}

// Ask is Read, and asks the operating system which kernels it refuses.
func Ask() Info {
	v := Read()
	if err := infer.Refused(); err != nil {
		v.Refused = err.Error()
	}
	return v
}

// Read reads what the Go toolchain wrote into the program.
func Read() Info {
	v := Info{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPU: features(), Kernels: infer.Kernels()}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if b.Main.Version != "" {
		v.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// features names what the processor has of the features that kernels use.
func features() []string {
	names := []string{}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA}, {"avx512bw", cpu.X86.HasAVX512BW}, {"avx512vnni", cpu.X86.HasAVX512VNNI},
		{"amxint8", cpu.X86.HasAMXInt8},
		{"asimd", cpu.ARM64.HasASIMD}, {"asimddp", cpu.ARM64.HasASIMDDP},
	} {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}
