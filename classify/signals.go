// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/npy"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/signals"
)

// magic is what an array of NumPy begins with.
const magic = "\x93NUMPY"

// looked is how many bytes tell what a file is.
const looked = 512

// encoded returns the codes of the signals of a file: an array of NumPy, else CSV.
func encoded(in qmodel.Input, e signals.Encoding, input io.Reader) ([][]uint8, error) {
	b := bufio.NewReader(input)
	take := fromTable
	switch start, _ := b.Peek(looked); {
	case bytes.HasPrefix(start, []byte(magic)):
		take = fromArray
	case bytes.ContainsFunc(start, func(r rune) bool { return r < ' ' && !unicode.IsSpace(r) }):
		return nil, errors.New("neither a table (.csv) nor an array of NumPy (.npy); the model is one of signals, which come so")
	}
	values, err := take(in, b)
	if err != nil {
		return nil, err
	}
	codes := make([]uint8, len(values))
	if err := e.Encode(codes, values); err != nil {
		return nil, err
	}
	return slices.Collect(slices.Chunk(codes, in.Height*in.Width*in.Channels)), nil
}

// fromTable reads a signal of CSV: a row for each moment, or for each frame of a spectrum by time, and a column for each
// channel. Each row of a table is a signal.
func fromTable(in qmodel.Input, input io.Reader) ([]float32, error) {
	rows, columns := in.Height*in.Width, in.Channels
	if in.Height > 1 {
		rows, columns = in.Height, in.Width*in.Channels
	}
	table := rows == 1
	read := datasets.ReadTable
	if table {
		read = func(r io.Reader) (*datasets.Table, error) { return datasets.ReadExamples(r, columns) }
	}
	t, err := read(input)
	if err != nil {
		return nil, err
	}
	if !(table || t.Rows == rows) || t.Columns != columns {
		return nil, fmt.Errorf("%d×%d numbers; the model takes %d×%d, rows and columns", t.Rows, t.Columns, rows, columns)
	}
	return t.Values, nil
}

// fromArray reads one signal, in the dimensions of the training's without their number, or several.
func fromArray(in qmodel.Input, input io.Reader) ([]float32, error) {
	a, err := npy.Read(input, limits.Bytes)
	if err != nil {
		return nil, err
	}
	for _, form := range forms(in) {
		if several := len(a.Shape) > 0 && a.Shape[0] > 0 && slices.Equal(a.Shape[1:], form); several || slices.Equal(a.Shape, form) {
			return a.Floats()
		}
	}
	return nil, fmt.Errorf("an array of the dimensions %v; the model takes %v, or several of them", a.Shape, forms(in)[0])
}

// forms are the dimensions that a signal may have: those of 1 can be left out.
func forms(in qmodel.Input) [][]int {
	list := [][]int{{in.Height, in.Width, in.Channels}}
	if in.Height == 1 {
		list = append([][]int{{in.Width, in.Channels}}, list...)
	}
	if in.Channels == 1 {
		list = append(list, []int{in.Height, in.Width})
	}
	if in.Height == 1 && in.Channels == 1 {
		list = append(list, []int{in.Width})
	}
	if in.Height == 1 && in.Width == 1 {
		list = append(list, []int{in.Channels})
	}
	return list
}
