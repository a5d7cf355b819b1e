// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// acting is the variable that makes this test program a runtime: it says how it behaves.
const acting = "GOQAT_PEER_TEST"

func TestMain(m *testing.M) {
	if how := os.Getenv(acting); how != "" {
		if err := act(how, os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// act is a runtime: the evaluator of onnxeval instead of Python.
func act(how, path string) error {
	if how == "missing" {
		return fmt.Errorf("Traceback\nNo module named 'onnxruntime': pip install onnxruntime")
	}
	if how == "silent" {
		return nil
	}
	if how == "garbage" {
		fmt.Println("Welcome!")
		return nil
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m, err := onnxproto.Unmarshal(file)
	if err != nil {
		return err
	}
	var names []string
	for _, o := range m.Graph.Outputs {
		names = append(names, `"`+o.Name+`"`)
	}
	if how == "unknown" {
		names[0] = `"\u001b[31mother"`
	}
	fmt.Printf("{\"runtime\":\"evaluator 1\",\"layout\":\"NCHW\",\"outputs\":[%s]}\n", strings.Join(names, ","))
	dims := m.Graph.Inputs[0].Dims
	channels, height, width := int(dims[1].Size), int(dims[2].Size), int(dims[3].Size)
	for head := make([]byte, 4); ; {
		if _, err := io.ReadFull(os.Stdin, head); err != nil {
			return nil
		}
		x := onnxeval.New(onnxproto.TypeUint8, int(binary.LittleEndian.Uint32(head)), channels, height, width)
		pixels := make([]byte, len(x.Data))
		if _, err := io.ReadFull(os.Stdin, pixels); err != nil {
			return err
		}
		for i, v := range pixels {
			x.Data[i] = float64(v)
		}
		tensors, err := onnxeval.Run(m, x)
		if err != nil {
			return err
		}
		for _, o := range m.Graph.Outputs {
			data := tensors[o.Name].Data
			switch {
			case how == "wrong", how == "merges" && len(m.Graph.Outputs) == 1:
				data[0]++
			case how == "short":
				data = data[1:]
			}
			out := binary.LittleEndian.AppendUint64([]byte{'d'}, uint64(len(data)))
			for _, v := range data {
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
			}
			if _, err := os.Stdout.Write(out); err != nil {
				return err
			}
		}
	}
}

// example is a model, a file that it was exported to, and images.
func example(t *testing.T) (*qmodel.Model, string, datasets.Split) {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, 1))
	m := qmodeltest.Binary(rng)
	f, _, err := onnx.Exact(m, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, f.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	s := datasets.Split{Images: make([]uint8, 2*batch*m.Tensors[0].Len()-m.Tensors[0].Len()), Labels: make([]int32, 2*batch-1)}
	for i := range s.Images {
		s.Images[i] = uint8(rng.Uint32())
	}
	return m, path, s
}

func compare(t *testing.T, how string) (*Comparison, error) {
	t.Helper()
	t.Setenv(acting, how)
	m, path, s := example(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Compare(context.Background(), m, path, s, Options{Python: program}, nil)
}

func TestCompareFindsEveryTensorEqual(t *testing.T) {
	c, err := compare(t, "right")
	if err != nil {
		t.Fatal(err)
	}
	m, _, s := example(t)
	if c.Differ != 0 || c.TopClassDiffers != 0 || c.Images != s.Len() || c.Runtime != "evaluator 1" || c.Accuracy != c.PeerAccuracy {
		t.Errorf("%+v", c)
	}
	want := 0
	for _, o := range m.Operators {
		if o.Op != qmodel.Flatten {
			want += s.Len() * m.Tensors[o.Output].Len()
		}
	}
	if c.Integers != int64(want) {
		t.Errorf("%d integers compared, want %d", c.Integers, want)
	}
}

func TestCompareCountsWhatDiffers(t *testing.T) {
	c, err := compare(t, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(2 * len(c.Tensors)); c.Differ != want { // one of each tensor and batch
		t.Errorf("%d integers differ, want %d", c.Differ, want)
	}
}

// TestCompareRunsTheFileAsItIs has a runtime that is wrong only where nobody asks for the tensors between.
func TestCompareRunsTheFileAsItIs(t *testing.T) {
	c, err := compare(t, "merges")
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range c.Tensors {
		want := int64(0)
		if i == len(c.Tensors)-1 { // the logits, one of each batch
			want = 2
		}
		if tensor.Differ != want {
			t.Errorf("%s: %d integers differ, want %d", tensor.Name, tensor.Differ, want)
		}
	}
}

func TestCompareSaysWhatWentWrong(t *testing.T) {
	for how, want := range map[string]string{
		"missing": "No module named 'onnxruntime': pip install onnxruntime",
		"silent":  "without an answer; name a Python",
		"garbage": "not JSON",
		"short":   "numbers of type",
		"unknown": `\x1b[31mother`,
	} {
		if _, err := compare(t, how); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", how, err, want)
		}
	}
	m, path, s := example(t)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Python: "no-such-program"}, "name another program"},
		{Options{Runtime: "tvm"}, "onnxruntime, openvino"},
		{Options{Runtime: "openvino", Node: "node"}, "Python only"},
	} {
		if _, err := Compare(context.Background(), m, path, s, c.o, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}

// TestRuntimeOfAFile wants the runtime that has the file's operators where none is named.
func TestRuntimeOfAFile(t *testing.T) {
	_, exact, _ := example(t)
	f, _, err := onnx.QONNX(qmodeltest.Tiny(rand.New(rand.NewPCG(1, 1))), onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fpga := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(fpga, f.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{exact: "onnxruntime", fpga: "qonnx", "none.onnx": "onnxruntime", "none.tflite": "litert"} {
		if got, err := (Options{}).runtime(path); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", path, got, err, want)
		}
	}
}
