// SPDX-License-Identifier: Apache-2.0

// Command recipes trains the runs of a table of docs/results.md that are missing:
//
//	go run ./examples/recipes [-qat PROGRAM] [-runs FOLDER] TABLE [FLAG...]
//
// TABLE is a file of rows, such as examples/recipes/tables/mnist; recipes are
// relative to the folder above it. A run that is done is skipped and one that was
// interrupted is resumed, so that the command can be stopped and repeated. FLAGs
// are for every training (--threads 1). In the flags of a row @ROW is the best
// float checkpoint of that row with the same seed, @ROW:best its best quantized
// one, and @TABLE/ROW a row of another table. qat table prints what is done.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goqat/goqat/table"
)

// trainer trains the rows of one table.
type trainer struct {
	program  string   // that trains
	recipes  string   // the folder of recipes
	runs     string   // the folder of a folder for each table
	table    string   // the name of the table
	training []string // flags for every training
}

func main() {
	program := flag.String("qat", "qat", "the program that trains")
	runs := flag.String("runs", "runs", "folder for a folder of run folders")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: recipes [-qat PROGRAM] [-runs FOLDER] TABLE [FLAG...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	list := flag.Arg(0)
	t := trainer{*program, filepath.Dir(filepath.Dir(list)), *runs, filepath.Base(list), flag.Args()[1:]}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := t.trainAll(ctx, list); err != nil {
		fmt.Fprintln(os.Stderr, "recipes:", err)
		os.Exit(1)
	}
}

// trainAll trains what is missing of a list of rows, in order.
func (t trainer) trainAll(ctx context.Context, list string) error {
	rows, err := table.ReadList(list)
	if err != nil {
		return err
	}
	for _, row := range rows {
		for _, seed := range row.Seeds {
			if err := t.train(ctx, row, seed); err != nil {
				return fmt.Errorf("%s, seed %d: %w; repeat the command to go on", row.Name, seed, err)
			}
		}
	}
	return ctx.Err()
}

// train trains a row with one seed, unless that is done.
func (t trainer) train(ctx context.Context, row table.Row, seed int) error {
	out := filepath.Join(t.runs, t.table, table.Folder(row.Name, seed))
	if exists(filepath.Join(out, "summary.json")) {
		return nil
	}
	args := []string{"train", "--resume", out}
	if !exists(filepath.Join(out, "config.yaml")) {
		args = []string{"train", filepath.Join(t.recipes, row.Recipe), "--seed", strconv.Itoa(seed), "--out", out}
		for _, f := range row.Flags {
			args = append(args, t.checkpoint(f, seed))
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %s, seed %d\n", t.table, row.Name, seed)
	c := exec.CommandContext(ctx, t.program, append(args, t.training...)...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it saves
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// checkpoint returns a flag, with the checkpoint of a row instead of its name.
func (t trainer) checkpoint(flag string, seed int) string {
	row, ok := strings.CutPrefix(flag, "@")
	if !ok {
		return flag
	}
	if !strings.Contains(row, "/") {
		row = t.table + "/" + row
	}
	row, quantized := strings.CutSuffix(row, ":best")
	file := "checkpoint-float.safetensors"
	if quantized {
		file = "checkpoint-best.safetensors"
	}
	return filepath.Join(t.runs, table.Folder(row, seed), file)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
