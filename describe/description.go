// SPDX-License-Identifier: Apache-2.0

// Package describe says what is in a model, a checkpoint or a network: its layers,
// their bits and sizes, and an estimate of the energy of one image.
package describe

import (
	"slices"

	"github.com/goqat/goqat/energy"
)

// A Description says what is in a model or a checkpoint, layer by layer. Energies are
// estimates for one image, see package energy.
type Description struct {
	Kind       string   `json:"kind"` // qmodel, or checkpoint
	Version    int      `json:"version"`
	Phase      string   `json:"phase,omitempty"` // of a checkpoint: float, qat
	Epoch      int      `json:"epoch,omitempty"` // of a checkpoint: done in the phase
	Model      string   `json:"model"`
	Method     string   `json:"method"`
	Classes    []string `json:"classes"`
	Input      [3]int   `json:"input"`       // height, width, channels
	ArenaBytes int      `json:"arena_bytes"` // for activations of one image, 0 for a checkpoint
	FileBytes  int64    `json:"file_bytes"`
	MACs       int64    `json:"macs"`
	EnergyUJ   float64  `json:"energy_uj"`       // microjoules
	Float32UJ  float64  `json:"float_energy_uj"` // the same network in float32
	Layers     []Layer  `json:"layers"`
}

// OnIntegers says whether integer kernels run it.
func (d *Description) OnIntegers() bool {
	return slices.ContainsFunc(d.Layers, func(l Layer) bool { return l.Kernel != "" })
}

// A Layer is one operator of the network.
type Layer struct {
	Name            string  `json:"name"`
	Operator        string  `json:"operator"`
	Method          string  `json:"method"`
	WeightBits      int     `json:"weight_bits"`       // 0 without weights
	ActivationBits  int     `json:"activation_bits"`   // of its input
	Packing         string  `json:"packing,omitempty"` // of its weights: dense, or empty for aligned
	Shape           []int   `json:"shape"`             // of its weights; empty without
	Output          [3]int  `json:"output"`
	MACs            int64   `json:"macs"`
	Bytes           int     `json:"bytes"`            // of its numbers, in the file
	AccumulatorBits int     `json:"accumulator_bits"` // 0 without accumulators
	Kernel          string  `json:"kernel"`           // that runs it
	EnergyUJ        float64 `json:"energy_uj"`
	Float32UJ       float64 `json:"float_energy_uj"`

	work energy.Layer
}

// estimate fills in the energies and the sums.
func (d *Description) estimate() {
	work := make([]energy.Layer, len(d.Layers))
	for i := range d.Layers {
		work[i] = d.Layers[i].work
		d.MACs += work[i].MACs
	}
	float := energy.Float32(work)
	const microjoules = 1e-6 // of a picojoule
	for i, e := range energy.Integers(work) {
		l := &d.Layers[i]
		if l.floating() {
			e = float[i]
		}
		l.EnergyUJ, l.Float32UJ = microjoules*e.Total(), microjoules*float[i].Total()
		d.EnergyUJ += l.EnergyUJ
		d.Float32UJ += l.Float32UJ
	}
}
