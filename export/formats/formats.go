// SPDX-License-Identifier: Apache-2.0

// Package formats lists the forms in which other programs take a model.
package formats

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

// A Format is a form in which other programs take a model.
type Format struct {
	Name      string
	Extension string // of the file
	Beside    string // extension of a second file; "" for none
	What      string // for people
	Reads     Reads  // of the options, beside those that all read

	// Export returns the files of a model, none if the format has no form of an
	// operator, and in either case how each operator agrees with goqat.
	Export func(m *qmodel.Model, o Options) ([]File, []agreement.Statement, error)
}

// Reads says which options a format reads; it is not told the others.
type Reads struct{ Pack, Bias, Images bool }

// Options are what a format may be told.
type Options struct {
	Path    string // of the file to write
	Version string // of goqat, for the file
	Digest  string // SHA-256 of the .qmodel, for the file
	Pack    bool   // store weights of up to 4 bits in 4
	Bias    onnx.Bias

	// Images returns some to find ranges with; nil for none.
	Images func() ([]byte, error)
}

// A File is to be written.
type File struct {
	Path    string
	Content []byte
}

// All are the formats that there are.
func All() []Format {
	return []Format{
		{"onnx", ".onnx", "", "ONNX of QuantizeLinear and DequantizeLinear, which runtimes turn into integer kernels", Reads{Pack: true, Bias: true}, onnxFormat(onnx.QDQ)},
		{"onnx-exact", ".onnx", "", "ONNX that computes the same integers", Reads{Pack: true}, onnxFormat(onnx.Exact)},
		{"qonnx", ".onnx", "", "QONNX for FINN and hls4ml, of one image", Reads{}, onnxFormat(onnx.QONNX)},
		{"c", ".c", ".h", "C99 for microcontrollers, OUTPUT.c and OUTPUT.h", Reads{}, cFormat},
		{"tflite", ".tflite", "", "int8 for LiteRT and TFLite Micro; residual sums need images for their ranges", Reads{Pack: true, Images: true}, tfliteFormat},
	}
}

// Second returns the path of the file that the format writes beside the one at path, "" where there is none. A name to which that
// of the second does not follow is an error.
func (f Format) Second(path string) (string, error) {
	if f.Beside == "" {
		return "", nil
	}
	base, ok := strings.CutSuffix(path, f.Extension)
	if !ok {
		return "", fmt.Errorf("formats: %s: the format %s is a file %s and one %s beside it; name it %s", path, f.Name, f.Extension, f.Beside, path+f.Extension)
	}
	return base + f.Beside, nil
}

// Named returns a format.
func Named(name string) (Format, error) {
	var names []string
	for _, f := range All() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("formats: there is no %q; want one of %s", name, strings.Join(names, ", "))
}

// onnxFormat returns how a writer of ONNX files is called.
func onnxFormat(write func(*qmodel.Model, onnx.Options) (*onnxproto.Model, []agreement.Statement, error)) func(*qmodel.Model, Options) ([]File, []agreement.Statement, error) {
	return func(m *qmodel.Model, o Options) ([]File, []agreement.Statement, error) {
		f, statements, err := write(m, onnx.Options{Version: o.Version, Digest: o.Digest, Pack: o.Pack, Bias: o.Bias})
		if err != nil {
			return nil, statements, err
		}
		return []File{{o.Path, f.Marshal()}}, statements, nil
	}
}

// cFormat writes a C file and its header.
func cFormat(m *qmodel.Model, o Options) ([]File, []agreement.Statement, error) {
	header, err := Format{Name: "c", Extension: ".c", Beside: ".h"}.Second(o.Path)
	if err != nil {
		return nil, nil, err
	}
	s, statements, err := cgen.Export(m, strings.TrimSuffix(filepath.Base(o.Path), ".c"))
	if err != nil {
		return nil, statements, err
	}
	return []File{{o.Path, s.C}, {header, s.Header}}, statements, nil
}

// tfliteFormat writes a TFLite file.
func tfliteFormat(m *qmodel.Model, o Options) ([]File, []agreement.Statement, error) {
	options := tflite.Options{Version: o.Version, Digest: o.Digest, Pack: o.Pack}
	if o.Images != nil {
		images, err := o.Images()
		if err != nil {
			return nil, nil, err
		}
		options.Images = images
	}
	content, statements, err := tflite.Export(m, options)
	if err != nil {
		return nil, statements, err
	}
	return []File{{o.Path, content}}, statements, nil
}
