// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command ranks trains by many recipes as one process and as the ranks of MPI jobs, and compares the SHA-256 of
// the last checkpoint's tensors and of the model; then it kills ranks at random and goes on under other launchers:
//
//	go build -tags mpi -o /tmp/qat ./cmd/qat
//	go run ./bench/ranks -qat /tmp/qat -kills 20 'mpirun --oversubscribe -n N' 'mpiexec.hydra -n N'
//
// Each argument is a launcher, with N for the number of ranks; env VARIABLE=VALUE may come first.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/goqat/goqat/internal/safetensors"
)

// Settings that recipes share: few images in eight shards, networks, and a training in stages.
var (
	few     = []string{"shards=8", "batch=64", "data.train_limit=300", "data.test_limit=32", "float.epochs=1", "qat.epochs=3", "qat.batchnorm_freeze=1"}
	lenet   = []string{"model=lenet", "model.width=0.25"}
	resnet  = []string{"model=resnet20", "model.width=0.5", "data.height=32", "data.width=32", "float.lr=0.02"}
	stages  = []string{"qat.method=inq", "qat.weight_bits=5", "qat.activation_bits=8", "qat.epochs=4", "qat.stages=[{epochs: 1, weight_bits: 32, activation_bits: 8}]"}
	dropout = []string{"model=[{kind: conv, channels: 8, kernel: 5, norm: true, activation: relu}, {kind: maxpool, size: 2}, {kind: dropout, rate: 0.2}, {kind: linear}]"}
)

// A recipe is what a training is told; TEACHER is a float checkpoint.
type recipe struct {
	name  string
	parts [][]string
}

var recipes = []recipe{
	{"lenet pact, teacher", [][]string{lenet, {"qat.method=pact", "teacher.checkpoint=TEACHER"}}},
	{"lenet lsq, 6-bit gradients", [][]string{lenet, {"qat.method=lsq", "qat.gradient_bits=6"}}},
	{"lenet int, average, mixup", [][]string{lenet, {"qat.method=int", "qat.average=0.9", "data.augment.mixup=0.3"}}},
	{"lenet inq in stages", [][]string{lenet, stages}},
	{"dropout, lsq", [][]string{dropout, {"qat.method=lsq"}}},
	{"resnet20 pact, 6-bit gradients", [][]string{resnet, {"qat.method=pact", "qat.gradient_bits=6"}}},
	{"resnet20 lsq, balanced", [][]string{resnet, {"qat.method=lsq", "data.balance=0.5"}}},
	{"resnet20 int, powers of two", [][]string{resnet, {"qat.method=int", "qat.weight_bits=8", "qat.activation_bits=8", "qat.scales=pow2"}}},
	{"resnet20 inq in stages", [][]string{resnet, stages}},
}

// settings returns the flags of a recipe.
func (r recipe) settings(teacher string) (args []string) {
	for _, part := range append([][]string{few}, r.parts...) {
		for _, s := range part {
			args = append(args, "--set", strings.ReplaceAll(s, "TEACHER", teacher))
		}
	}
	return args
}

var (
	qat   = flag.String("qat", "qat", "the program, built with -tags mpi")
	only  = flag.String("only", "", "recipes whose names contain it")
	kills = flag.Int("kills", 0, "how often a rank is killed")
	seed  = flag.Uint64("seed", 1, "of what is killed, and when")
	ranks = flag.String("ranks", "1,2,3,4,8", "numbers of ranks")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	dir, err := os.MkdirTemp("", "ranks")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b := bench{dir: dir}
	if b.check() > 0 {
		os.RemoveAll(dir)
		os.Exit(1)
	}
}

// A bench trains in folders of its own.
type bench struct {
	dir    string
	runs   int
	failed int
}

// check trains by each recipe and returns how many runs came to other bytes than one process.
func (b *bench) check() int {
	teacher := b.fresh()
	b.train("", 1, "--set", "float.epochs=1", "--set", "qat.epochs=0", "--set", "data.train_limit=300", "--out", teacher)
	for _, r := range recipes {
		if !strings.Contains(r.name, *only) {
			continue
		}
		settings := r.settings(filepath.Join(teacher, "checkpoint-float.safetensors"))
		alone := b.fresh()
		b.train("", 1, to(alone, settings)...)
		want := digest(alone)
		fmt.Printf("%-34s %s one process\n", r.name, want)
		if *kills == 0 {
			b.compare(settings, want)
			continue
		}
		for i := range *kills {
			b.kill(settings, want, rand.New(rand.NewPCG(*seed, uint64(i))))
		}
	}
	fmt.Printf("%d runs, %d came to other bytes\n", b.runs, b.failed)
	return b.failed
}

// compare trains under all launchers.
func (b *bench) compare(settings []string, want string) {
	for _, launcher := range flag.Args() {
		for n := range strings.SplitSeq(*ranks, ",") {
			size, err := strconv.Atoi(n)
			if err != nil {
				log.Fatal(err)
			}
			out := b.fresh()
			threads := 1 + b.runs%3
			b.train(launcher, size, to(out, settings, "--threads", strconv.Itoa(threads))...)
			b.judge(fmt.Sprintf("%d ranks of %d threads, %s", size, threads, launcher), digest(out), want)
		}
	}
}

// kill kills a rank at random, goes on under another launcher with another number of ranks, and compares.
func (b *bench) kill(settings []string, want string, random *rand.Rand) {
	out := b.fresh()
	first, second := random.IntN(flag.NArg()), random.IntN(flag.NArg())
	if second == first {
		second = (first + 1) % flag.NArg()
	}
	before := 2 + random.IntN(3)
	after := 1 + random.IntN(8)
	if after == before {
		after++
	}
	c := command(flag.Arg(first), before, append([]string{*qat, "train"}, to(out, settings)...))
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	what := "it was done before the kill"
	select {
	case <-ended:
	case <-time.After(time.Duration(1e9 + random.Int64N(6e9))):
		if list := processes(out); len(list) > 0 {
			victim := random.IntN(len(list))
			what = fmt.Sprintf("rank %d killed", victim)
			if err := syscall.Kill(list[victim], syscall.SIGKILL); err != nil {
				what = err.Error()
			}
		}
		if err := <-ended; err == nil {
			what += ", exit code 0"
		}
	}
	for len(processes(out)) > 0 {
		time.Sleep(100 * time.Millisecond)
	}
	exists := func(name string) bool { _, err := os.Stat(filepath.Join(out, name)); return err == nil }
	switch {
	case exists("summary.json"):
	case exists("config.yaml"):
		b.train(flag.Arg(second), after, "--resume", out)
	default: // killed before there was a run
		os.RemoveAll(out)
		b.train(flag.Arg(second), after, to(out, settings)...)
	}
	b.judge(fmt.Sprintf("%d ranks, %s: %s; %d ranks, %s", before, flag.Arg(first), what, after, flag.Arg(second)), digest(out), want)
}

func (b *bench) judge(what, got, want string) {
	verdict := "the same"
	if got != want {
		b.failed++
		verdict = "OTHER: " + got
	}
	fmt.Printf("  %s: %s\n", verdict, what)
}

func (b *bench) fresh() string {
	b.runs++
	return filepath.Join(b.dir, fmt.Sprint(b.runs))
}

// train trains as so many ranks, without a launcher if it is "".
func (b *bench) train(launcher string, ranks int, args ...string) {
	c := command(launcher, ranks, append([]string{*qat, "train"}, args...))
	if err := c.Run(); err != nil {
		fmt.Printf("  %v: %v\n%s\n", c.Args, err, c.Stderr)
	}
}

func command(launcher string, ranks int, args []string) *exec.Cmd {
	words := strings.Fields(launcher)
	for i, w := range words {
		if w == "N" {
			words[i] = strconv.Itoa(ranks)
		}
	}
	words = append(words, args...)
	c := exec.Command(words[0], words[1:]...)
	c.Stderr = new(bytes.Buffer)
	return c
}

// to returns the flags of a training into a folder.
func to(out string, settings []string, more ...string) []string {
	return slices.Concat(settings, more, []string{"--out", out})
}

// processes returns the ranks that train into a folder.
func processes(out string) (list []int) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		log.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // it has ended
			continue
		}
		args := strings.Split(string(text), "\x00")
		if args[0] != *qat || !strings.Contains(string(text), "\x00"+out+"\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// digest returns the beginnings of the SHA-256 of the last checkpoint's tensors and of the model.
func digest(folder string) string {
	data, err := os.ReadFile(filepath.Join(folder, "checkpoint-last.safetensors"))
	if err != nil {
		return err.Error()
	}
	f, err := safetensors.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err.Error()
	}
	h := sha256.New()
	for _, t := range f.Tensors {
		fmt.Fprintln(h, t.Name, t.Shape)
		h.Write(t.Data)
	}
	model, err := os.ReadFile(filepath.Join(folder, "model.qmodel"))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.6x %.6x", h.Sum(nil), sha256.Sum256(model))
}
