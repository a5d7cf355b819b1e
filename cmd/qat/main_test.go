// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/goqat/goqat/internal/command"
)

// execute runs one command line.
func execute(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, log bytes.Buffer
	code = command.Execute(t.Context(), newRoot(), args, strings.NewReader(""), &out, &log)
	return out.String(), log.String(), code
}

// mustRun runs a command line that succeeds and returns its result.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := execute(t, args...)
	if code != command.Done {
		t.Fatalf("qat %s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// mustFail runs a command line that fails with the given code, with nothing on
// standard output and, behind any progress, one line of error that contains all of
// want.
func mustFail(t *testing.T, code int, args []string, want ...string) {
	t.Helper()
	stdout, stderr, got := execute(t, args...)
	if got != code || stdout != "" {
		t.Errorf("qat %s: exit %d, want %d; standard output %q", strings.Join(args, " "), got, code, stdout)
	}
	if strings.Count(stderr, "qat: ") != 1 {
		t.Errorf("qat %s: want one line of error, got %q", strings.Join(args, " "), stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	for _, w := range append(want, "qat: ") {
		if !strings.Contains(last, w) {
			t.Errorf("qat %s: no %q in %q", strings.Join(args, " "), w, last)
		}
	}
}

// The classes of the images that tests make.
var shapeClasses = []string{"circle", "cross", "stripes"}

const shapeSize = 12

// drawShape draws a class at a random place, in random noise.
func drawShape(class string, r *rand.Rand) image.Image {
	img := image.NewGray(image.Rect(0, 0, shapeSize, shapeSize))
	cx, cy := 5+r.IntN(2), 5+r.IntN(2)
	for y := range shapeSize {
		for x := range shapeSize {
			dx, dy := x-cx, y-cy
			on := false
			switch class {
			case "circle":
				d := dx*dx + dy*dy
				on = d >= 10 && d <= 21
			case "cross":
				on = dx == dy || dx == -dy
			case "stripes":
				on = (dy+8)%3 == 0
			}
			v := 40 + r.IntN(40)
			if on {
				v = 255 - r.IntN(60)
			}
			img.SetGray(x, y, color.Gray{Y: uint8(v)})
		}
	}
	return img
}

func writePNG(path string, img image.Image) error {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// writeShapes makes a folder of images, one sub-folder a class.
func writeShapes(folder string, perClass int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 0))
	for _, class := range shapeClasses {
		sub := filepath.Join(folder, class)
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
		for i := range perClass {
			if err := writePNG(filepath.Join(sub, fmt.Sprintf("%02d.png", i)), drawShape(class, r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// shapeRecipe trains a small network on the shapes in well under a second.
const shapeRecipe = `model:
  - {kind: conv, name: conv, channels: 8, kernel: 3, stride: 2, norm: true, activation: relu}
  - {kind: maxpool, name: pool, size: 2}
  - {kind: linear, name: hidden, channels: 16, activation: relu}
  - {kind: linear, name: classes}
batch: 16
float: {epochs: 8}
qat: {epochs: 4, weight_bits: 4, activation_bits: 4}
`

// A trainedRun is a run on the shapes that all tests share and none changes.
type trainedRun struct {
	root, data, recipe, folder string
	stdout                     string // of train --json
}

func (r trainedRun) file(name string) string { return filepath.Join(r.folder, name) }
func (r trainedRun) model() string           { return r.file("model.qmodel") }
func (r trainedRun) checkpoint() string      { return r.file("checkpoint-best.safetensors") }

var sharedRun struct {
	sync.Once
	trainedRun
	err error
}

func TestMain(m *testing.M) {
	if limited() || program() {
		return
	}
	code := m.Run()
	if sharedRun.root != "" {
		os.RemoveAll(sharedRun.root)
	}
	os.Exit(code)
}

// trained returns the shared run.
func trained(t *testing.T) trainedRun {
	t.Helper()
	sharedRun.Do(func() { sharedRun.trainedRun, sharedRun.err = trainShapes(t) })
	if sharedRun.err != nil {
		t.Fatal(sharedRun.err)
	}
	return sharedRun.trainedRun
}

func trainShapes(t *testing.T) (r trainedRun, err error) {
	if r.root, err = os.MkdirTemp("", "qat"); err != nil {
		return r, err
	}
	r.data, r.recipe, r.folder = filepath.Join(r.root, "shapes"), filepath.Join(r.root, "shapes.yaml"), filepath.Join(r.root, "run")
	if err := writeShapes(r.data, 40, 1); err != nil {
		return r, err
	}
	if err := os.WriteFile(r.recipe, []byte(shapeRecipe), 0o644); err != nil {
		return r, err
	}
	stdout, stderr, code := execute(t, "train", r.recipe, "--data", r.data, "--out", r.folder, "--json")
	if code != command.Done {
		return r, fmt.Errorf("train: exit %d: %s", code, stderr)
	}
	r.stdout = stdout
	return r, nil
}
