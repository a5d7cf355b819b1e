// SPDX-License-Identifier: Apache-2.0

// Package peer runs a model that was exported in the runtime that it was exported for, and counts the integers that differ
// from goqat's.
//
// The runtime is a program of its own, a script that this package gives to Python or Node.js. It says hello with a line of
// JSON, then reads batches, the number of images as 32 bits and their bytes, and answers each with the outputs that hello
// named: a letter for the type, the count as 64 bits, the numbers; all little-endian.
package peer

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/onnxproto"
)

//go:embed scripts/frames.py
var frames string

//go:embed scripts/onnxruntime.py
var onnxRuntime string

//go:embed scripts/openvino.py
var openVINO string

//go:embed scripts/qonnx.py
var qonnx string

//go:embed scripts/litert.py
var liteRT string

//go:embed scripts/onnxruntime.js
var onnxRuntimeNode string

// scripts are those for Python, by the name of the runtime.
var scripts = map[string]string{"onnxruntime": onnxRuntime, "openvino": openVINO, "qonnx": qonnx, "litert": liteRT}

// Runtimes returns the names of the runtimes, the usual one first.
func Runtimes() []string { return []string{"onnxruntime", "openvino", "qonnx", "litert"} }

// Options say which runtime to run, and by what.
type Options struct {
	Runtime string // one of Runtimes; "" for the one of the file's kind
	Python  string // program; "" for python3
	Node    string // program, instead of Python; for onnxruntime only
	Threads int
}

// runtime returns the runtime for a file.
func (o Options) runtime(file string) (string, error) {
	name := o.Runtime
	if name == "" {
		switch strings.ToLower(filepath.Ext(file)) {
		case ".onnx":
			if name = "onnxruntime"; isQONNX(file) {
				name = "qonnx"
			}
		case ".tflite":
			name = "litert"
		default:
			return "", fmt.Errorf("%s is neither a .onnx nor a .tflite; name the runtime, one of %s", file, strings.Join(Runtimes(), ", "))
		}
	}
	switch {
	case scripts[name] == "":
		return "", fmt.Errorf("there is no runtime %q, only %s", name, strings.Join(Runtimes(), ", "))
	case o.Node != "" && name != "onnxruntime":
		return "", fmt.Errorf("%s runs by Python only, onnxruntime by Node.js too", name)
	}
	return name, nil
}

// isQONNX tells whether a file has operators of QONNX, which ONNX Runtime has not.
func isQONNX(file string) bool {
	content, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	m, err := onnxproto.Unmarshal(content)
	return err == nil && slices.ContainsFunc(m.Opsets, func(o onnxproto.Opset) bool { return o.Domain == onnxproto.QONNX })
}

// hello is what a runtime says first.
type hello struct {
	Runtime  string   `json:"runtime"`  // name and version
	Layout   string   `json:"layout"`   // NCHW or NHWC, of images and outputs
	Centered bool     `json:"centered"` // codes are less their zero point, signs -1 and +1
	Outputs  []string `json:"outputs"`
}

// A process is a runtime that runs.
type process struct {
	hello  hello
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr tail
}

// start runs the runtime on a file whose images have a shape, channels × height × width, and asks for the tensors of the
// given names.
func start(ctx context.Context, o Options, name, file string, shape [3]int, tensors []string) (*process, error) {
	program, arguments := o.Python, []string{"-c", frames + scripts[name], file, strconv.Itoa(max(1, o.Threads))}
	if program == "" {
		program = "python3"
	}
	if o.Node != "" {
		program, arguments = o.Node, []string{"-e", onnxRuntimeNode, file, strconv.Itoa(max(1, o.Threads))}
		for _, n := range shape {
			arguments = append(arguments, strconv.Itoa(n))
		}
	} else {
		arguments = append(arguments, tensors...)
	}
	p := &process{cmd: exec.CommandContext(ctx, program, arguments...)}
	p.cmd.Stderr = &p.stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReaderSize(stdout, 1<<20)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; name another program", err)
	}
	if err := p.greet(); err != nil {
		return nil, p.fail(err)
	}
	return p, nil
}

// greet reads what the runtime says first.
func (p *process) greet() error {
	line, err := p.stdout.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		return errors.New("it ended without an answer; name a Python, or a Node.js, that has the runtime")
	} else if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &p.hello); err != nil {
		return fmt.Errorf("its first line is not JSON: %w", err)
	}
	if p.hello.Layout != "NCHW" && p.hello.Layout != "NHWC" {
		return fmt.Errorf("it has the layout %q, want NCHW or NHWC", p.hello.Layout)
	}
	return nil
}

// run computes the outputs for n images, in the order of hello. want are the numbers that each must have.
func (p *process) run(n int, images []byte, want []int) ([][]float64, error) {
	written := make(chan error, 1)
	go func() {
		_, err := p.stdin.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		if err == nil {
			_, err = p.stdin.Write(images)
		}
		written <- err
	}()
	outputs := make([][]float64, len(p.hello.Outputs))
	for i := range outputs {
		var err error
		if outputs[i], err = p.read(want[i]); err != nil {
			return nil, p.fail(fmt.Errorf("output %.80q: %w", p.hello.Outputs[i], err))
		}
	}
	if err := <-written; err != nil {
		return nil, p.fail(err)
	}
	return outputs, nil
}

// read returns the numbers of an output.
func (p *process) read(want int) ([]float64, error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(p.stdout, head); err != nil {
		return nil, err
	}
	kind := head[0]
	size := map[byte]int{'B': 1, 'b': 1, 'h': 2, 'i': 4, 'q': 8, 'f': 4, 'd': 8}[kind]
	count := binary.LittleEndian.Uint64(head[1:])
	if size == 0 || count != uint64(want) {
		return nil, fmt.Errorf("%d numbers of type %q, want %d", count, kind, want)
	}
	data := make([]byte, size*want)
	if _, err := io.ReadFull(p.stdout, data); err != nil {
		return nil, err
	}
	numbers := make([]float64, want)
	for i := range numbers {
		numbers[i] = number(kind, data[i*size:])
	}
	return numbers, nil
}

// number returns a number of the type that a letter stands for, as in Python's struct.
func number(kind byte, b []byte) float64 {
	switch kind {
	case 'B':
		return float64(b[0])
	case 'b':
		return float64(int8(b[0]))
	case 'h':
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case 'i':
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case 'q':
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case 'f':
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	default:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
}

// close ends the runtime.
func (p *process) close() error {
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		return p.reason(err)
	}
	return nil
}

// fail ends a runtime that went wrong and returns what it said, or else the error.
func (p *process) fail(err error) error {
	p.stdin.Close()
	if _, ended := io.Copy(io.Discard, p.stdout); ended != nil {
		err = errors.Join(err, ended)
	}
	return p.reason(errors.Join(err, p.cmd.Wait()))
}

// reason returns the last line that the runtime wrote to standard error, if there is one.
func (p *process) reason(err error) error {
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(p.stderr.text, nil))), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Errorf("%s: %s", filepath.Base(p.cmd.Path), last)
	}
	return fmt.Errorf("%s: %w", filepath.Base(p.cmd.Path), err)
}

// A tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 4 << 10
	t.text = append(t.text, b...)
	if n := len(t.text); n > most {
		t.text = slices.Clone(t.text[n-most:])
	}
	return len(b), nil
}
