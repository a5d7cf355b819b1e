// SPDX-License-Identifier: Apache-2.0

package onnxproto

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// list appends numbers of a typed list to the bytes of the tensor. The type, which decides how wide they become, comes
// before them in a file, as the numbers of its fields do.
func (t *Tensor) list(f field) error {
	switch f.number {
	case 4:
		return t.fixed(f, protowire.Fixed32Type, 4, TypeFloat)
	case 10:
		return t.fixed(f, protowire.Fixed64Type, 8, TypeDouble)
	}
	width := t.Type.Size() // int32_data holds whatever is narrower, int64_data and uint64_data what is not
	if width == 0 || f.number == 5 && width > 4 || f.number != 5 && width < 4 {
		return fmt.Errorf("a tensor has a list of whole numbers for the type %v", t.Type)
	}
	var values []int64
	if err := f.ints(&values); err != nil {
		return err
	}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(v))[:len(t.Data)+width]
	}
	return nil
}

// fixed appends floating-point numbers.
func (t *Tensor) fixed(f field, single protowire.Type, width int, want Type) error {
	if t.Type != want {
		return fmt.Errorf("a tensor has a list of %v for the type %v", want, t.Type)
	}
	if f.wire == single {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, f.value)[:len(t.Data)+width]
		return nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	t.Data = append(t.Data, f.bytes...)
	return nil
}

// floats appends one number, or those of a packed list.
func (f field) floats(list *[]float32) error {
	if f.wire == protowire.Fixed32Type {
		*list = append(*list, math.Float32frombits(uint32(f.value)))
		return f.take()
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	if len(f.bytes)%4 != 0 {
		return fmt.Errorf("field %d has %d bytes of float", f.number, len(f.bytes))
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		if err := f.take(); err != nil {
			return err
		}
		*list = append(*list, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return nil
}
