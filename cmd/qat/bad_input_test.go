// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/classify"
	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
)

// What bad input gets: one line that says what, where and what to do, and nothing
// half-written. There is a case for each kind of input.

// write makes a file in a new folder.
func write(t *testing.T, name string, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// absent wants no file at path.
func absent(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("%s is there (%v)", path, err)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"train --time 5m --epochs 3", []string{"--time", "--epochs"}},
		{"train --time 5m --lr-find", []string{"--lr-find", "--time"}},
		{"train --time soon", []string{"soon", "--time"}},
		{"train --time 0s", []string{"0s", "--time"}},
		{"train --time -5s", []string{"-5s", "--time"}},
		{"train --lr-find --resume run", []string{"--lr-find", "--resume"}},
		{"trian", []string{`"trian"`, `"train"`}},
		{"trian --json", []string{`"trian"`, `"train"`}},
		{"data lst --json", []string{`"lst"`, `"list"`}},
		{"--json", []string{"--json", "qat --help"}},
		{"bench train x --bogus", []string{"--bogus", "qat bench train --help"}},
		{"data lst", []string{`"lst"`, `"list"`}},
		{"quantize", []string{"inspect"}},
		{"train --bogus", []string{"--bogus", "qat train --help"}},
		{"train a.yaml b.yaml", []string{"b.yaml"}},
		{"train --weight-bits four", []string{"--weight-bits", "four"}},
		{"train --weight-bits 9", []string{"qat.weight_bits", "9"}},
		{"train --method pcat", []string{"pcat", `"pact"`}},
		{"train --method PACT", []string{"PACT", `"pact"`}},
		{"train testdata", []string{"testdata is a folder", "--data testdata"}},
		{"train --model resnet21", []string{"resnet21", "resnet20"}},
		{"train --set qat.learning=1", []string{"qat.learning"}},
		{"eval", []string{"checkpoint"}},
		{"export x.safetensors", []string{"-o"}},
		{"verify x.safetensors", []string{".qmodel"}},
		{"run model.qmodel", []string{"image"}},
		{"bench", []string{"--model"}},
		{"bench --batch 0 --model lenet", []string{"--batch"}},
		{"bench --memory big --model lenet", []string{"--memory big: want fast or small"}},
		{"bench model.qmodel --method int", []string{"--method"}},
		{"bench train --steps 0", []string{"--steps"}},
		{"bench train --roofline --loader", []string{"--loader"}},
		{"methods all", []string{"all"}},
		{"calibrate x -o y --weight-bits 1", []string{"--weight-bits 1: want 2 to 8"}},
		{"calibrate x -o y --activation-bits 32", []string{"--activation-bits 32: want 2 to 8"}},
		{"calibrate x -o y --first-last float", []string{"--first-last float: want 8 or same"}},
		{"calibrate x -o y --granularity row", []string{"--granularity row: want per_channel or per_tensor"}},
		{"calibrate x -o y --calibrator max", []string{"--calibrator max: want minmax, "}},
		{"calibrate x -o y --images -1", []string{"--images -1: want 1 or more, or 0 for all"}},
		{"compare x y --runtime tensorrt", []string{"--runtime tensorrt: want onnxruntime, openvino, qonnx or litert"}},
		{"export x -o y --format caffe", []string{"--format caffe: want onnx, onnx-exact, qonnx, c or tflite"}},
		{"export x -o y.onnx --format onnx --bias int8", []string{"--bias int8: want float or int32"}},
		{"run x y --kernel axv2", []string{"--kernel axv2: want ", " or reference"}},
		{"bench x --kernel axv2", []string{"--kernel axv2: want ", " or reference"}},
		{"inspect x --kernel axv2", []string{"--kernel axv2: want ", " or reference"}},
		{"search x --budget bits=4 --method pcat", []string{"--method pcat: want int, pact, "}},
		{"search x --budget bits=4 --ranking size", []string{"--ranking size: want snr, loss or hessian"}},
		{"search x --budget bits=4 --ranking hessian --probes 1", []string{"--probes 1: want 2 to 10000"}},
		{"search x --budget bits=4 --measure -1", []string{"--measure -1: want 1 or more, or 0 for all"}},
		{"diagnose x --bits 1", []string{"--bits 1: want 2 to 8"}},
		{"bench x --runs -1", []string{"--runs -1: want 1 or more, or 0 for about two seconds"}},
		{"bench x --threads 5000", []string{"--threads 5000: want 1 to 1024, or 0 for all processors"}},
		{"train --seed 010", []string{"--seed 010: want a whole number, in digits, without a 0 before them"}},
		{"train --set seed=010", []string{`seed is "010"`, "without a 0"}},
		{"calibrate x -o y --repair all,bias", []string{`"all"`, "alone"}},
		{"sensitivity x --bits 8,8", []string{"--bits 8"}},
		{"search x --budget bits=4 --bits 1,4", []string{"--bits 1,4: want widths of 2 to 8"}},
		{"eval x --seed -1", []string{"--seed -1"}},
		{"verify x y --images -1", []string{"--images -1"}},
		{"compare x y --images -1", []string{"--images -1"}},
		{"train --epochs 1e9", []string{"--epochs 1e9", "whole number"}},
		{"import x -o y --mean 123 --std 58", []string{"123", "255"}},
		{"train --lr-find --out run", []string{"--lr-find", "--out"}},
		{"export x -o y --skip-broken", []string{"--skip-broken", "--format"}},
		{"export x -o y.c --format c --pack", []string{"--pack", "--format c"}},
		{"export x -o y.c --format c --bias int32", []string{"--bias", "--format c"}},
		{"export x -o y.onnx --format onnx-exact --bias int32", []string{"--bias", "--format onnx-exact"}},
		{"export x -o y.onnx --format qonnx --pack", []string{"--pack", "--format qonnx"}},
		{"export x -o y.onnx --format onnx --data photos", []string{"--data", "--format onnx"}},
		{"export x -o y.tflite --format tflite --bias int32", []string{"--bias", "--format tflite"}},
		{"export x -o y.tflite --format tflite --seed 2", []string{"--seed", "--data"}},
		{"compare x y --python p --node n", []string{"--python", "--node"}},
		{"calibrate x -o y --percentile 99", []string{"--percentile", "calibrator percentile"}},
		{"calibrate x -o y --layer fc*=percentile --deviations 2", []string{"--deviations", "calibrator stddev"}},
		{"search x --budget bits=4 --probes 4", []string{"--probes", "ranking hessian"}},
		{"search x --budget bits=4 --weight-bits 4", []string{"--weight-bits"}},
		{"sensitivity x --activation-bits 4", []string{"--activation-bits"}},
		{"diagnose x --first-last same", []string{"--first-last"}},
		{"import x -o y --mean 0.5", []string{"length 1", "deviation 0"}},
	} {
		t.Run(c.line, func(t *testing.T) { mustFail(t, command.Usage, strings.Fields(c.line), append(c.want, "--help")...) })
	}
}

// TestEmptyArguments has what a shell makes of a variable that is not set.
func TestEmptyArguments(t *testing.T) {
	for _, args := range [][]string{{"train", "--resume", ""}, {"train", "--data="}, {"train", ""}, {"eval", ""}, {"eval", "m.qmodel", "--data", ""},
		{"export", "m.qmodel", "-o", ""}, {"run", "m.qmodel", ""}, {"bench", ""}, {"report", ""}} {
		mustFail(t, command.Usage, args, "is empty", "--help")
	}
}

func TestUnknownTier(t *testing.T) {
	t.Setenv("GOQAT_TRAIN_KERNELS", "axv2")
	mustFail(t, command.Usage, []string{"methods"}, "GOQAT_TRAIN_KERNELS", "axv2", "avx2")
}

// idx returns an IDX file of unsigned bytes.
func idx(magic uint32, sizes []uint32, data []byte) []byte {
	file := binary.BigEndian.AppendUint32(nil, magic)
	for _, n := range sizes {
		file = binary.BigEndian.AppendUint32(file, n)
	}
	return append(file, data...)
}

func TestDataFile(t *testing.T) {
	const images, labels = 0x803, 0x801
	whole := map[string][]byte{
		"train-images-idx3-ubyte": idx(images, []uint32{4, 12, 12}, make([]byte, 4*144)),
		"train-labels-idx1-ubyte": idx(labels, []uint32{4}, []byte{0, 1, 0, 1}),
		"t10k-images-idx3-ubyte":  idx(images, []uint32{4, 12, 12}, make([]byte, 4*144)),
		"t10k-labels-idx1-ubyte":  idx(labels, []uint32{4}, []byte{0, 1, 0, 1}),
	}
	for _, c := range []struct {
		name, file string
		data       []byte
	}{
		{"cut short", "train-images-idx3-ubyte", whole["train-images-idx3-ubyte"][:300]},
		{"wrong magic", "train-images-idx3-ubyte", idx(0xdeadbeef, []uint32{4, 12, 12}, make([]byte, 4*144))},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			for name, data := range whole {
				if name == c.file {
					data = c.data
				}
				if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out := filepath.Join(t.TempDir(), "run")
			mustFail(t, command.Failed, []string{"train", "--data", folder, "--out", out}, c.file)
			absent(t, out)
		})
	}
	mustFail(t, command.Failed, []string{"train", "--data", "no-such-data", "--out", filepath.Join(t.TempDir(), "run")}, "no-such-data")
	mustFail(t, command.Failed, []string{"data", "fetch", "fashion-sample"}, "fashion-sample")
}

// Images of every format are classify.Answer as what they show, upright; how many were turned is said.
func TestRunReadsEveryFormat(t *testing.T) {
	r := trained(t)
	for _, name := range []string{"turned-3.png", "turned-5.tif", "colour.bmp", "still.gif", "lossless.webp"} {
		file := filepath.Join("..", "..", "images", "formats", "testdata", name)
		stdout, stderr, code := execute(t, "run", r.model(), file, file+".png", "--json")
		results := decode[[]classify.Answer](t, stdout)
		if code != 0 || len(results) != 2 || !slices.Equal(results[0].Top, results[1].Top) {
			t.Errorf("%s: exit %d, %+v, %s", name, code, results, stderr)
		}
		if said := strings.Contains(stderr, "note: turned upright, by the orientation noted in the file: 1 of 2 images"); said != strings.HasPrefix(name, "turned") {
			t.Errorf("%s: %q", name, stderr)
		}
	}
}

func TestImage(t *testing.T) {
	r := trained(t)
	good := filepath.Join(r.data, "circle", "00.png")
	bad := write(t, "broken.png", read(t, good)[:60])
	stdout, stderr, code := execute(t, "run", r.model(), bad, good, "missing.png", "--json")
	results := decode[[]classify.Answer](t, stdout)
	if code != command.Failed || len(results) != 3 || !strings.Contains(results[0].Error, "broken.png") || len(results[0].Top) != 0 ||
		results[1].Error != "" || len(results[1].Top) != 3 || !strings.HasSuffix(stderr, "qat: 2 of 3 images have no classes, see above\n") {
		t.Errorf("exit %d, %+v, %s", code, results, stderr)
	}
	stdout, stderr, code = execute(t, "run", r.model(), bad, good)
	if code != command.Failed || !strings.Contains(stdout, "circle") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "broken.png") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	mustFail(t, command.Failed, []string{"run", r.model(), write(t, "text.png", []byte("no image"))}, "text.png")
	mustFail(t, command.Failed, []string{"run", r.model(), "missing.png"}, "missing.png")
	empty := t.TempDir()
	mustFail(t, command.Failed, []string{"run", r.model(), empty}, empty, "no images in this folder")
	mustFail(t, command.Failed, []string{"run", r.model(), "-"}, "-: images: an empty file")
	mustFail(t, command.Usage, []string{"run", r.model(), good, "--threads", "-1"}, "--threads -1")

	data := t.TempDir()
	if err := writeShapes(data, 3, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "cross", "01.png"), read(t, bad), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "run")
	mustFail(t, command.Failed, []string{"train", r.recipe, "--data", data, "--out", out}, filepath.Join("cross", "01.png"))
	absent(t, out)

	if err := os.Rename(filepath.Join(data, "cross"), filepath.Join(data, "dot")); err != nil {
		t.Fatal(err)
	}
	if err := writePNG(filepath.Join(data, "dot", "01.png"), drawShape("cross", rand.New(rand.NewPCG(1, 0)))); err != nil {
		t.Fatal(err)
	}
	mustFail(t, command.Failed, []string{"eval", r.model(), "--data", data}, `"dot"`, "it knows circle, cross, stripes")
}

func TestRecipe(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	file := write(t, "mine.yaml", []byte("batch: 8\nqat:\n  wieght_bits: 4\n"))
	mustFail(t, command.Usage, []string{"train", file, "--out", out}, "mine.yaml:3", `"qat.wieght_bits"`, `"qat.weight_bits"`)
	mustFail(t, command.Usage, []string{"train", write(t, "x.yaml", []byte("batch: [")), "--out", out}, "x.yaml")
	mustFail(t, command.Usage, []string{"train", "missing.yaml", "--out", out}, "missing.yaml")
	absent(t, out)
}

// TestGrid: what is wrong with a grid is wrong usage, as of a recipe.
func TestGrid(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	grid := write(t, "grid.yaml", []byte("seed: [1, 2]\n"))
	for _, args := range [][]string{
		{"missing.yaml"}, {write(t, "x.yaml", []byte("batch: ["))}, {write(t, "x.yaml", []byte("qat: {wieght_bits: [4, 2]}"))},
		{grid, "--set", "seed=3"}, {grid, "--set", "qat.lr=-1"}, {grid, "--set", "model=lenet5"}, {grid, "--set", "bach=3"},
	} {
		mustFail(t, command.Usage, append([]string{"sweep", "--out", out}, args...), "")
	}
	absent(t, out)
}

// quick are the flags of a training that is over at once.
var quick = []string{"--float-epochs", "1", "--epochs", "1", "--set", "qat.batchnorm_freeze=0"}

func TestCheckpoint(t *testing.T) {
	r := trained(t)
	folder := t.TempDir()
	other := filepath.Join(folder, "other")
	mustRun(t, slices.Concat([]string{"train", "--model", "mlp", "--set", "model.width=0.05", "--data", r.data, "--out", other}, quick)...)
	out := filepath.Join(folder, "run")

	// of another model
	mustFail(t, command.Failed, []string{"train", r.recipe, "--data", r.data, "--out", out, "--init", filepath.Join(other, "checkpoint-float.safetensors")}, "another network")
	mustFail(t, command.Failed, []string{"verify", r.checkpoint(), filepath.Join(other, "model.qmodel")}, "another network")
	// corrupted, cut short, no checkpoint at all
	data := read(t, r.checkpoint())
	changed := slices.Clone(data)
	changed[len(changed)-1] ^= 1
	model := filepath.Join(folder, "m.qmodel")
	mustFail(t, command.Failed, []string{"calibrate", r.folder, "-o", model}, r.folder, "is a folder", "checkpoint-float.safetensors")
	mustFail(t, command.Failed, []string{"calibrate", r.model(), "-o", model}, r.model(), "it is a .qmodel")
	mustFail(t, command.Failed, []string{"report", r.checkpoint()}, r.checkpoint(), "is not a .qmodel but a checkpoint; qat export")
	mustFail(t, command.Failed, []string{"report", r.file("checkpoint-float.safetensors")}, "is not a .qmodel but a checkpoint of the float phase; qat calibrate")
	mustFail(t, command.Usage, []string{"export", r.model(), "-o", model}, r.model(), "is a .qmodel already", "--format")
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{{"changed", changed, "SHA-256"}, {"short", data[:len(data)/2], "short"}, {"empty", nil, "short"}, {"text", []byte("not a checkpoint, not at all"), "none of this format"}} {
		path := write(t, c.name+".safetensors", c.data)
		mustFail(t, command.Failed, []string{"eval", path}, path, c.want)
		mustFail(t, command.Failed, []string{"export", path, "-o", model}, path, c.want)
		mustFail(t, command.Failed, []string{"inspect", path}, path, c.want)
	}
	// of the float phase
	mustFail(t, command.Failed, []string{"export", r.file("checkpoint-float.safetensors"), "-o", model}, "checkpoint-float.safetensors", "float phase")
	absent(t, model)
	// of other classes
	mustFail(t, command.Failed, []string{"eval", r.checkpoint(), "--data", "fashion-sample"}, "fashion-sample", "T-shirt/top", "circle")
}

// rewritten returns the shared model with its content changed and the right digest.
func rewritten(t *testing.T, change func(*safetensors.File)) []byte {
	t.Helper()
	data := read(t, trained(t).model())
	f, err := safetensors.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// metadata returns a change of one entry of a model's metadata.
func metadata(t *testing.T, key string, change func(string) string) func(*safetensors.File) {
	return func(f *safetensors.File) {
		for i := range f.Metadata {
			if m := &f.Metadata[i]; m.Key == key {
				before := m.Value
				if m.Value = change(before); m.Value == before {
					t.Errorf("%s is not changed: %s", key, before)
				}
				return
			}
		}
		t.Errorf("there is no %s", key)
	}
}

func TestModel(t *testing.T) {
	r := trained(t)
	data := read(t, r.model())
	corrupted := slices.Clone(data)
	corrupted[len(corrupted)/2] ^= 0x10
	atEnd := slices.Clone(data)
	atEnd[len(atEnd)-1] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"truncated", data[:len(data)-7], "cut short"},
		{"corrupted", corrupted, ""},
		{"corrupted at the end", atEnd, "SHA-256"},
		{"without weights", rewritten(t, metadata(t, "graph", func(g string) string {
			return regexp.MustCompile(`,"weights":\{[^}]*\}`).ReplaceAllString(g, "")
		})), "weights are missing"},
		{"newer", rewritten(t, metadata(t, "version", func(string) string { return "1000" })), "newer version"},
		{"overflow", rewritten(t, func(f *safetensors.File) {
			metadata(t, "graph", func(s string) string { return strings.Replace(s, `"channels":8`, `"channels":4611686018427387904`, 1) })(f)
		}), ""},
		{"cycle", rewritten(t, metadata(t, "graph", func(s string) string { return strings.Replace(s, `"inputs":[0]`, `"inputs":[1]`, 1) })), ""},
		{"missing tensor", rewritten(t, func(f *safetensors.File) { f.Tensors = f.Tensors[:len(f.Tensors)-1] }), ""},
		{"missing metadata", rewritten(t, func(f *safetensors.File) {
			f.Metadata = slices.DeleteFunc(f.Metadata, func(m safetensors.Metadata) bool { return m.Key == "classes" })
		}), "classes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "bad.qmodel", c.data)
			image := filepath.Join(r.data, "circle", "00.png")
			for _, args := range [][]string{{"run", path, image}, {"inspect", path}, {"bench", path}, {"eval", path, "--data", r.data}, {"verify", r.checkpoint(), path}} {
				mustFail(t, command.Failed, args, "bad.qmodel", c.want)
			}
		})
	}
	mustFail(t, command.Failed, []string{"run", "missing.qmodel", "x.png"}, "missing.qmodel")
	for _, args := range [][]string{{"run", "", "x.png"}, {"bench", ""}, {"inspect", ""}} {
		args[1] = filepath.Dir(r.model())
		mustFail(t, command.Failed, args, args[1], "is a folder")
	}
	for _, args := range [][]string{{"run", "", "x.png"}, {"bench", ""}} {
		args[1] = r.checkpoint()
		mustFail(t, command.Failed, args, args[1], "qat export")
	}
	mustFail(t, command.Usage, []string{"bench", r.model(), "--batch", "100000000"}, "--batch")
	mustFail(t, command.Usage, []string{"eval", r.model()}, "--data")
}

// changedModel returns a model whose first multiplier is one more than that of
// the shared run.
func changedModel(t *testing.T, r trainedRun) (path string) {
	t.Helper()
	data := read(t, r.model())
	m, err := qmodel.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range m.Operators {
		if o.Requantizer != nil {
			o.Requantizer.M[0][0] += o.Requantizer.M[0][0] / 4 // far enough to be seen in a few images
			break
		}
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return write(t, "changed.qmodel", b.Bytes())
}

// A layer that cannot be lowered is announced before the first step; the run ends
// without a model.
func TestNoIntegers(t *testing.T) {
	r := trained(t)
	folder := filepath.Join(t.TempDir(), "run")
	args := slices.Concat([]string{"train", r.recipe, "--data", r.data, "--out", folder, "--first-last", "float", "--json"}, quick)
	stdout, stderr, code := execute(t, args...)
	if code != command.Done {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	first, _, _ := strings.Cut(stderr, "\n")
	if !strings.Contains(first, "layer conv ") || !strings.Contains(first, "first_last") {
		t.Errorf("first line %q", first)
	}
	wantKeys(t, stdout, "accuracy.integer", "verify")
	if s := decode[pipeline.Summary](t, stdout); s.Accuracy.Integer != nil || s.Verify != nil || s.Accuracy.Fakequant == nil {
		t.Errorf("%s", stdout)
	}
	absent(t, filepath.Join(folder, "model.qmodel"))

	model := filepath.Join(folder, "mine.qmodel")
	checkpoint := filepath.Join(folder, "checkpoint-best.safetensors")
	mustFail(t, command.Failed, []string{"export", checkpoint, "-o", model}, "layer conv ", "first_last")
	absent(t, model)
	d := decode[describe.Description](t, mustRun(t, "inspect", checkpoint, "--json"))
	if l := d.Layers[0]; l.WeightBits != 32 || l.EnergyUJ != l.Float32UJ {
		t.Errorf("%+v", l)
	}
	mustFail(t, command.Failed, []string{"bench", "--model", "lenet", "--first-last", "float"}, "layer conv1", "first_last")
}

// TestImport has what is no ONNX file, and names of classes that do not fit one.
func TestImport(t *testing.T) {
	net, out := filepath.Join("..", "..", "examples", "pytorch", "fashion.onnx"), filepath.Join(t.TempDir(), "run")
	folder, empty := t.TempDir(), write(t, "empty.onnx", nil)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"missing.onnx"}, []string{"missing.onnx", "no such file"}},
		{[]string{folder}, []string{folder, "is a folder"}},
		{[]string{empty}, []string{empty, "no ONNX file"}},
		{[]string{trained(t).model()}, []string{"is no ONNX file"}},
		{[]string{net, "--classes", folder}, []string{"the names of classes", folder}},
		{[]string{net, "--classes", empty}, []string{empty, "names no class"}},
		{[]string{net, "--classes", write(t, "twice.txt", []byte("a\nb\na\n"))}, []string{"twice.txt", `"a" twice`}},
		{[]string{net, "--classes", write(t, "two.txt", []byte("a\nb\n"))}, []string{"2 names for 10 classes"}},
		{[]string{net, "--mean", "0.1,0.2", "--std", "1,1"}, []string{"length 2"}},
	} {
		mustFail(t, command.Failed, append([]string{"import", "-o", out}, c.args...), c.want...)
		absent(t, out)
	}
}

func TestLossNotFinite(t *testing.T) {
	r := trained(t)
	folder := filepath.Join(t.TempDir(), "run")
	mustFail(t, command.Failed, []string{"train", r.recipe, "--data", r.data, "--out", folder, "--init", r.file("checkpoint-float.safetensors"),
		"--method", "int", "--set", "qat.lr=1000"}, "loss", "learning rate")
	mustRun(t, "inspect", filepath.Join(folder, "checkpoint-float.safetensors"))
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".safetensors" {
			mustRun(t, "inspect", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	absent(t, filepath.Join(folder, "model.qmodel"))
}

func TestSecondRun(t *testing.T) {
	r := trained(t)
	before := read(t, r.file("summary.json"))
	mustFail(t, command.Failed, []string{"train", r.recipe, "--data", r.data, "--out", r.folder}, "name another folder", "qat train --resume "+r.folder)
	mustFail(t, command.Failed, []string{"train", r.recipe, "--data", r.data, "--out", r.model()}, r.model(), "is a file")
	if !bytes.Equal(before, read(t, r.file("summary.json"))) {
		t.Error("the first run was changed")
	}
}

// A result that cannot be written is a failure.
func TestFullStandardOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	for _, args := range [][]string{{"methods"}, {"methods", "--json"}, {"version"}, {"data", "list"}} {
		var log bytes.Buffer
		if code := command.Execute(t.Context(), newRoot(), args, strings.NewReader(""), full, &log); code != command.Failed || !strings.Contains(log.String(), "no space left") {
			t.Errorf("%v: exit %d, %q", args, code, log.String())
		}
	}
}
