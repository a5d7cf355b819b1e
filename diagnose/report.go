// SPDX-License-Identifier: Apache-2.0

package diagnose

import "github.com/goqat/goqat/ptq"

// The causes that are looked for.
const (
	ConstantImages  = "constant images"  // a class whose images show nothing
	InputScale      = "input scale"      // pixels stand for other numbers than in training
	Unbalanced      = "unbalanced data"  // some classes have far more images than others
	NotFinite       = "not finite"       // weights that are no numbers: the training diverged
	Untrained       = "float network"    // the float network is little better than chance
	HugeWeight      = "huge weight"      // a weight far beyond all others of its layer
	NormStatistics  = "batch norm"       // running statistics that are not those of the network
	DeadChannels    = "dead channels"    // channels that are 0 for every image
	ConstantChannel = "constant channel" // channels that have one value for every image
	NarrowClip      = "narrow clip"      // a range that clips most of what it should cover
	WideClip        = "wide clip"        // a range that nothing reaches: its clip gets no gradient
	TinyScale       = "tiny scale"       // a scale far below all others of its layer, or next to 0
	Overflow        = "overflow"         // sums near the ends of 32 bits
	FewBits         = "few bits"         // a layer whose own quantization costs most
	OneClass        = "one class"        // nearly every image is taken for one class
)

// A Finding is something that is wrong.
type Finding struct {
	Cause string `json:"cause"`
	Where string `json:"where"` // the layer, tensor or class; empty for the whole network
	// Says is a sentence for people, and Evidence has its numbers.
	Says     string             `json:"says"`
	Evidence map[string]float64 `json:"evidence"`
	// Do is the command that does something about it.
	Do string `json:"do"`
}

// Accuracies are those on the validation images, of the network with quantizers off, on
// in weights alone, on in activations alone, and on.
type Accuracies struct {
	Float       float64 `json:"float"`
	Weights     float64 `json:"weights"`
	Activations float64 `json:"activations"`
	Quantized   float64 `json:"quantized"`
}

// A Report is the outcome of an examination.
type Report struct {
	Images   int        `json:"images"` // validation images
	Accuracy Accuracies `json:"accuracy"`
	// StandardError is that of the float accuracy.
	StandardError float64 `json:"standard_error"`
	// Layers are what each layer's own quantization costs, the worst first.
	Layers []ptq.Sensitivity `json:"layers"`
	// Findings are in the order in which to look at them; none if nothing is wrong.
	Findings []Finding `json:"findings"`
	// Next is the one thing to do next, a command.
	Next string `json:"next"`
}
