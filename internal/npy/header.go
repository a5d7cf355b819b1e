// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const (
	magic     = "\x93NUMPY"
	maxHeader = 64 << 10 // bytes of the dictionary at the beginning of a file
	maxRank   = 32       // of an array of NumPy
)

// A header is what comes before the values of an array.
type header struct {
	dtype
	order   binary.ByteOrder
	fortran bool
	shape   []int
	count   int64 // of values
}

// readHeader reads the beginning of a .npy file. The values take at most limit bytes.
func readHeader(r io.Reader, limit int64) (*header, error) {
	head := make([]byte, len(magic)+2)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("cut short in the header: %w", err)
	}
	if !bytes.HasPrefix(head, []byte(magic)) {
		return nil, errors.New("no array of NumPy: it does not start with \\x93NUMPY")
	}
	length := make([]byte, 2)
	switch major := head[len(magic)]; {
	case major == 2 || major == 3:
		length = make([]byte, 4)
	case major != 1:
		return nil, fmt.Errorf("version %d of the format; 1 to 3 are read", major)
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return nil, fmt.Errorf("cut short in the header: %w", err)
	}
	n := binary.LittleEndian.Uint32(append(length, 0, 0)[:4])
	if n > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes; at most %d", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, fmt.Errorf("cut short in the header: %w", err)
	}
	return parseHeader(string(text), limit)
}

// The three keys of the dictionary. Its order and its spaces are free; that of a structured type is a list.
var (
	descrKey   = regexp.MustCompile(`['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|(\[))`)
	fortranKey = regexp.MustCompile(`['"]fortran_order['"]\s*:\s*(True|False)\b`)
	shapeKey   = regexp.MustCompile(`['"]shape['"]\s*:\s*\(([0-9L,\s]*)\)`)
)

func parseHeader(text string, limit int64) (*header, error) {
	descr, fortran, shape := descrKey.FindStringSubmatch(text), fortranKey.FindStringSubmatch(text), shapeKey.FindStringSubmatch(text)
	if descr == nil || fortran == nil || shape == nil {
		return nil, fmt.Errorf("a header without descr, fortran_order or shape: %.100q", text)
	}
	if descr[3] != "" {
		return nil, errors.New("a structured type; save each of its fields as an array of its own")
	}
	h := &header{fortran: fortran[1] == "True", count: 1}
	var err error
	if h.dtype, h.order, err = parseType(descr[1] + descr[2]); err != nil {
		return nil, err
	}
	for side := range strings.SplitSeq(shape[1], ",") {
		if side = strings.TrimSuffix(strings.TrimSpace(side), "L"); side == "" { // the end of (3,); long integers of Python 2
			continue
		}
		n, err := strconv.ParseInt(side, 10, 64)
		if err != nil || n > math.MaxInt || len(h.shape) == maxRank {
			return nil, fmt.Errorf("a shape of (%.100s)", shape[1])
		}
		if n > 0 && h.count > limit/int64(h.size)/n {
			return nil, fmt.Errorf("an array of (%s) x %s takes more than the %.1f GiB that there is room for", shape[1], h.dtype, float64(limit)/(1<<30))
		}
		h.count *= n
		h.shape = append(h.shape, int(n))
	}
	return h, nil
}

// A dtype is the type of a value: its letter in NumPy (b of bool, u, i and f of numbers, S and U of strings) and its
// bytes.
type dtype struct {
	letter byte
	size   int
}

// String is the name of the type in NumPy.
func (t dtype) String() string {
	switch t.letter {
	case 'b':
		return "bool"
	case 'u':
		return fmt.Sprintf("uint%d", 8*t.size)
	case 'i':
		return fmt.Sprintf("int%d", 8*t.size)
	case 'f':
		return fmt.Sprintf("float%d", 8*t.size)
	}
	return "string"
}

// refused are the types that valid files have and that are not read, by their letter.
var refused = map[byte]string{
	'O': "pickled objects, which can run code; save an array of numbers or of strings (.astype(str) of labels)",
	'V': "raw bytes, as which NumPy saves bfloat16 and 4-bit integers of other packages; convert it by .astype(np.float32)",
	'c': "complex numbers; save their parts",
	'M': "dates; save numbers",
	'm': "times; save numbers",
}

// maxString is the most characters of a string.
const maxString = 1 << 12

// parseType reads a type as in <f4.
func parseType(descr string) (dtype, binary.ByteOrder, error) {
	if len(descr) > 1 && refused[descr[1]] != "" {
		return dtype{}, nil, fmt.Errorf("an array of %s", refused[descr[1]])
	}
	unknown := fmt.Errorf("an array of type %.40q; bool, uint8 to uint64, int8 to int64, float16 to float64 and strings are read", descr)
	if len(descr) < 3 || !strings.ContainsRune("<>|=", rune(descr[0])) {
		return dtype{}, nil, unknown
	}
	size, err := strconv.Atoi(descr[2:])
	if err != nil {
		return dtype{}, nil, unknown
	}
	t := dtype{descr[1], size}
	if t.letter == 'U' {
		t.size = 4 * min(size, maxString+1) // UTF-32
	}
	valid := map[byte]bool{
		'b': size == 1, 'u': size == 1 || size == 2 || size == 4 || size == 8, 'i': size == 1 || size == 2 || size == 4 || size == 8,
		'f': size == 2 || size == 4 || size == 8, 'S': size >= 1 && size <= maxString, 'U': size >= 1 && size <= maxString,
	}
	if !valid[t.letter] {
		return dtype{}, nil, unknown
	}
	if descr[0] == '>' {
		return t, binary.BigEndian, nil
	}
	return t, binary.LittleEndian, nil
}
