// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"strings"

	"github.com/goqat/goqat/qat"
)

// A Method is a quantization method of package qat.
type Method struct {
	Name           string `json:"name"`
	For            string `json:"for"` // what it is for
	Paper          string `json:"paper"`
	WeightBits     []int  `json:"weight_bits"`
	ActivationBits []int  `json:"activation_bits"`
	Trains         bool   `json:"trains"`   // has quantization-aware training, as all have
	Integers       bool   `json:"integers"` // exports to the integer runtime
}

// Methods describes the quantization methods.
func Methods() (list []Method) {
	for _, m := range qat.Methods() {
		i := m.Info()
		list = append(list, Method{i.Name, i.For, i.Paper, i.WeightBits, i.ActivationBits, true, i.Integers})
	}
	return list
}

// Widths writes rising bit widths, runs of them as "2-8".
func Widths(bits []int) string {
	var parts []string
	for i := 0; i < len(bits); {
		j := i
		for j+1 < len(bits) && bits[j+1] == bits[j]+1 {
			j++
		}
		switch {
		case j > i+1:
			parts = append(parts, fmt.Sprintf("%d-%d", bits[i], bits[j]))
		default:
			j = i
			parts = append(parts, fmt.Sprint(bits[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
