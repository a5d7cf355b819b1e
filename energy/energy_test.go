// SPDX-License-Identifier: Apache-2.0

package energy_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/goqat/goqat/energy"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%s: got %v pJ, want %v", what, got, want)
	}
}

// The numbers are worked out by hand from the table in the package's comment.
func TestLayer(t *testing.T) {
	layer := energy.Layer{
		MACs: 1000, Adds: 10, WeightBits: 4, InputBits: 8,
		Weights:     energy.Numbers{Values: 100, Bits: 400},
		Activations: energy.Numbers{Values: 40, Bits: 320},
	}
	q := energy.Integers([]energy.Layer{layer})[0]
	near(t, "4 x 8 bit arithmetic", q.Arithmetic, 1000*(0.1+0.1)+10*0.1)
	near(t, "weights from 8 KB", q.Weights, 400./32*5)
	near(t, "activations from 8 KB", q.Activations, 320./32*5)
	near(t, "total", q.Total(), 201+62.5+50)

	f := energy.Float32([]energy.Layer{layer})[0]
	near(t, "float32 arithmetic", f.Arithmetic, 1000*4.6+10*0.9)
	near(t, "float32 weights", f.Weights, 100*5)
	near(t, "float32 activations", f.Activations, 40*5)
}

// The rule for widths meets the table where that has two entries.
func TestRuleMeetsTable(t *testing.T) {
	wide := energy.Integers([]energy.Layer{{MACs: 1, WeightBits: 32, InputBits: 32}})[0]
	if got, want := wide.Arithmetic-0.1, 3.1; math.Abs(got-want) > 0.04*want {
		t.Errorf("32-bit multiplication by the rule: %v pJ, the table has %v", got, want)
	}
	narrow := energy.Integers([]energy.Layer{{MACs: 1, WeightBits: 8, InputBits: 8}})[0]
	near(t, "8-bit multiplication", narrow.Arithmetic, 0.2+0.1)
}

// Weights lie in one memory together, activations layer by layer.
func TestMemories(t *testing.T) {
	const kilobyte = 8 << 10
	for _, c := range []struct {
		bits int64
		read float64
	}{{8 * kilobyte, 5}, {8*kilobyte + 1, 10}, {32 * kilobyte, 10}, {33 * kilobyte, 50}, {1024 * kilobyte, 50}, {1025 * kilobyte, 640}} {
		half := c.bits / 2
		e := energy.Integers([]energy.Layer{
			{Weights: energy.Numbers{Bits: half}, Activations: energy.Numbers{Bits: c.bits}},
			{Weights: energy.Numbers{Bits: c.bits - half}, Activations: energy.Numbers{Bits: 32}},
		})
		near(t, "weights", e[0].Weights+e[1].Weights, c.read*float64(c.bits)/32)
		near(t, "small layer", e[1].Activations, c.read)
	}
}

func Example() {
	// A 3x3 convolution of 16 to 32 channels on 16x16 images, at 4 bits.
	layer := energy.Layer{
		MACs: 16 * 16 * 32 * 9 * 16, WeightBits: 4, InputBits: 4,
		Weights:     energy.Numbers{Values: 9 * 16 * 32, Bits: 4 * 9 * 16 * 32},
		Activations: energy.Numbers{Values: 16 * 16 * 48, Bits: 4 * 16 * 16 * 48},
	}
	network := []energy.Layer{layer}
	integers, float := energy.Integers(network)[0].Total(), energy.Float32(network)[0].Total()
	fmt.Printf("%.2f µJ against %.2f µJ\n", integers*1e-6, float*1e-6)
	// Output: 0.19 µJ against 6.09 µJ
}

// TestChosenMemories estimates in memories that hold more than there is.
func TestChosenMemories(t *testing.T) {
	network := []energy.Layer{{Weights: energy.Numbers{Values: 4, Bits: 32}, Activations: energy.Numbers{Values: 4, Bits: 32}}}
	if held := energy.Hold(network); held != (energy.Held{Weights: 32, Activations: 32}) {
		t.Errorf("held are %+v", held)
	}
	sizes := energy.Memories()
	e := energy.IntegersIn(network, energy.Held{Weights: sizes[1], Activations: sizes[2] + 1})[0]
	near(t, "weights from 32 KB", e.Weights, 10)
	near(t, "activations from DRAM", e.Activations, 640)
}
