// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// threadsOf resolves the value of --threads.
func threadsOf(threads int) int {
	if threads > 0 {
		return threads
	}
	return runtime.GOMAXPROCS(0)
}

func addThreads(c *cobra.Command, threads *int) {
	c.Flags().IntVar(threads, "threads", 0, "threads, 0 for all processors; results do not depend on it")
	command.Within(c, threads, "threads", 1, infer.MaxThreads, "for all processors")
}

// addWork adds the flag that lets a model take long.
func addWork(c *cobra.Command, work *int64) {
	c.Flags().Int64Var(work, "work", infer.DefaultWork, "most additions and comparisons an image that a model may ask for")
	command.Within(c, work, "work", 1, command.Unbounded, "")
}

func addKernel(c *cobra.Command, kernel *string) {
	command.OneOf(c, kernel, "kernel", "", "kernels of the integer runtime, see qat version; all give the same integers (default the fastest)", infer.Kernels()...)
}

func addSkipBroken(c *cobra.Command, skip *bool) {
	c.Flags().BoolVar(skip, "skip-broken", false, "leave out image files that cannot be read, and count them")
}

// imagesFlags are the names of the flags of addDataFlags.
var imagesFlags = []string{"data", "data-dir", "seed", "skip-broken"}

// dataFlags say which images are used.
type dataFlags struct {
	name, dir  string
	seed       int
	skipBroken bool
}

func addDataFlags(c *cobra.Command, d *dataFlags, fallback string) {
	c.Flags().StringVar(&d.name, "data", "", "data set of qat data list, or path of a folder or archive of images"+fallback)
	c.Flags().StringVar(&d.dir, "data-dir", "", "folder to look for a named data set first")
	c.Flags().IntVar(&d.seed, "seed", 0, "of the choice of test images where a folder has no test part; default: that of the training for its folder, all images of another")
	addSkipBroken(c, &d.skipBroken)
	command.Within(c, &d.seed, "seed", 0, command.Unbounded, "")
}

// images returns which test images the flags name; s shows how they are read.
func (d *dataFlags) images(c *cobra.Command, s *term.Screen) pipeline.TestImages {
	return pipeline.TestImages{Data: d.name, Dir: d.dir, Seed: d.seedGiven(c), Reading: pipeline.Reading{SkipBroken: d.skipBroken, On: s.Show}}
}

// seedGiven returns the seed, nil if the flag is not given.
func (d *dataFlags) seedGiven(c *cobra.Command) *int {
	if c.Flags().Changed("seed") {
		return &d.seed
	}
	return nil
}
