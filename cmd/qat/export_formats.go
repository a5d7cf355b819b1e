// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/export/cgen"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/export/tflite"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// A format is a form in which other programs take a model.
type format struct {
	name      string
	extension string // of the file
	what      string // for people
	write     func(m *qmodel.Model, o formatOptions) ([]artifact, []agreement.Statement, error)
}

// formatOptions are what the flags of the command and the file of the model say.
type formatOptions struct {
	out    string // path of the file to write
	digest string // SHA-256 of the .qmodel
	pack   bool
	bias   string
	images func() ([]byte, error) // some to find ranges with; nil for none
}

// An artifact is a file to write.
type artifact struct {
	path    string
	content []byte
}

// formats are those of --format.
var formats = []format{
	{"onnx", ".onnx", "ONNX of QuantizeLinear and DequantizeLinear, which runtimes turn into integer kernels", onnxFormat(onnx.QDQ)},
	{"onnx-exact", ".onnx", "ONNX that computes the same integers", onnxFormat(onnx.Exact)},
	{"qonnx", ".onnx", "QONNX for FINN and hls4ml, of one image", onnxFormat(onnx.QONNX)},
	{"c", ".c", "C99 for microcontrollers, OUTPUT.c and OUTPUT.h", cFormat},
	{"tflite", ".tflite", "int8 for LiteRT and TFLite Micro; residual sums need --data", tfliteFormat},
}

// onnxFormat returns how a writer of ONNX files is called.
func onnxFormat(write func(*qmodel.Model, onnx.Options) (*onnxproto.Model, []agreement.Statement, error)) func(*qmodel.Model, formatOptions) ([]artifact, []agreement.Statement, error) {
	return func(m *qmodel.Model, o formatOptions) ([]artifact, []agreement.Statement, error) {
		f, statements, err := write(m, onnx.Options{Version: version().Version, Digest: o.digest, Pack: o.pack, Bias: onnx.Bias(o.bias)})
		if err != nil {
			return nil, statements, err
		}
		return []artifact{{o.out, f.Marshal()}}, statements, nil
	}
}

// cFormat writes a C file and its header.
func cFormat(m *qmodel.Model, o formatOptions) ([]artifact, []agreement.Statement, error) {
	path, ok := strings.CutSuffix(o.out, ".c")
	if !ok {
		return nil, nil, fmt.Errorf("-o %s: the name of a C file ends in .c", o.out)
	}
	s, statements, err := cgen.Export(m, filepath.Base(path))
	if err != nil {
		return nil, statements, err
	}
	return []artifact{{o.out, s.C}, {path + ".h", s.Header}}, statements, nil
}

// tfliteFormat writes a TFLite file.
func tfliteFormat(m *qmodel.Model, o formatOptions) ([]artifact, []agreement.Statement, error) {
	options := tflite.Options{Version: version().Version, Digest: o.digest, Pack: o.pack}
	if o.images != nil {
		images, err := o.images()
		if err != nil {
			return nil, nil, err
		}
		options.Images = images
	}
	content, statements, err := tflite.Export(m, options)
	if err != nil {
		return nil, statements, err
	}
	return []artifact{{o.out, content}}, statements, nil
}

// formatNamed returns a format, nil if there is none of that name.
func formatNamed(name string) *format {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i]
		}
	}
	return nil
}
