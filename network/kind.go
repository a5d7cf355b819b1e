// SPDX-License-Identifier: Apache-2.0

package network

// A Kind is what an operator does.
type Kind uint8

// The kinds of operators.
const (
	// Convolution and FullyConnected weigh their first input; the others, of the
	// shape of the result, are added to the sums.
	Convolution Kind = iota
	FullyConnected
	// Addition adds its inputs, of one shape.
	Addition
	// Maximum and Average pool their input.
	Maximum
	Average
	// Reshape makes an image a vector.
	Reshape
	// Drop drops values out in training; other runs have no such operator.
	Drop
	// Lookup takes the codes of the image to others, of fewer bits.
	Lookup
	// Sign takes the signs of a tensor that others read, too.
	Sign
	// Concatenation puts the channels of its inputs, images of one size, next to each
	// other.
	Concatenation
	// Nonlinearity applies its activation, a function of one number, to every value.
	Nonlinearity
	// Normalization is a batch normalization alone, with an activation.
	Normalization
	// Product multiplies its inputs value by value: those after the first have its shape,
	// or one value for each of its channels.
	Product
	// Selection passes on some of the channels, in another order (see Selects).
	Selection
	// Upsampling repeats rows and columns.
	Upsampling
)

// A Wish is what an operator asks for of the quantization of its input.
type Wish uint8

// The wishes.
const (
	Nothing   Wish = iota
	Own            // what the policy says of the operator
	AsOutput       // what those who read its result ask for
	AsNetwork      // what the policy says of tensors that no weighted operator reads
	AsCodes        // codes of 8 bits, whatever else is
	Finely         // codes of 8 bits, unless those who read its result leave it in floating point
)

// traits are what the rest of the system wants to know of a kind.
type traits struct {
	name      string
	weighted  bool // it has weights
	windowed  bool // it has a window
	keeps     bool // its result has the codes of its input
	training  bool // it does nothing outside training
	adds      bool // inputs after the first are added to what it makes of that
	activates bool // an activation can follow the result
	joins     bool // its result has the values of its inputs, rounded by a quantizer of its own
	bySigns   bool // its result is signed as its inputs are, not by its activation
	tabulates bool // its result is a function of the codes of its input
	wish      Wish
	factors   Wish // of inputs after the first that are not added
}

// kinds is the table of all operators.
var kinds = [...]traits{
	Convolution:    {name: "convolution", weighted: true, adds: true, activates: true, windowed: true, wish: Own},
	FullyConnected: {name: "linear", weighted: true, adds: true, activates: true, wish: Own},
	Addition:       {name: "addition", adds: true, activates: true},
	Maximum:        {name: "maximum", windowed: true, keeps: true, wish: AsOutput},
	Average:        {name: "average", windowed: true, bySigns: true, wish: AsNetwork},
	Reshape:        {name: "reshape", keeps: true, wish: AsOutput},
	Drop:           {name: "dropout", keeps: true, training: true, wish: AsOutput},
	Lookup:         {name: "lookup", bySigns: true},
	Sign:           {name: "sign", bySigns: true, wish: AsCodes},
	Concatenation:  {name: "concatenation", joins: true, bySigns: true, wish: AsOutput, factors: AsOutput},
	Nonlinearity:   {name: "nonlinearity", tabulates: true, bySigns: true, wish: Finely},
	Normalization:  {name: "normalization", activates: true, wish: Finely},
	Product:        {name: "product", bySigns: true, wish: AsNetwork, factors: Finely},
	Selection:      {name: "selection", keeps: true, wish: AsOutput},
	Upsampling:     {name: "upsampling", keeps: true, wish: AsOutput},
}

// Kinds returns all kinds.
func Kinds() []Kind {
	list := make([]Kind, len(kinds))
	for i := range list {
		list[i] = Kind(i)
	}
	return list
}

// String returns the name of the kind.
func (k Kind) String() string { return kinds[k].name }

// Weighted says whether operators of the kind have weights.
func (k Kind) Weighted() bool { return kinds[k].weighted }

// Windowed says whether operators of the kind have a window.
func (k Kind) Windowed() bool { return kinds[k].windowed }

// Averages says whether operators of the kind sum what is under their window.
func (k Kind) Averages() bool { return kinds[k].windowed && !kinds[k].weighted && !kinds[k].keeps }

// Keeps says whether a result has the codes of the input, none of its own.
func (k Kind) Keeps() bool { return kinds[k].keeps }

// Joins says whether a result has the values of all inputs, rounded by a quantizer of
// its own: inputs that nobody else reads need none.
func (k Kind) Joins() bool { return kinds[k].joins }

// Tabulates says whether the code of a value of the result is a function of the code of
// the input's value at the same place: a table gives it.
func (k Kind) Tabulates() bool { return kinds[k].tabulates }

// Multiplies says whether a result is the product of the inputs.
func (k Kind) Multiplies() bool { return kinds[k].factors == Finely }

// TrainingOnly says whether there is no such operator outside training.
func (k Kind) TrainingOnly() bool { return kinds[k].training }

// Activates says whether a result can have an activation.
func (k Kind) Activates() bool { return kinds[k].activates }

// SignedAsInputs says whether a result has negative values if an input has; else its
// activation decides.
func (k Kind) SignedAsInputs() bool { return kinds[k].bySigns }

// Wish returns what operators of the kind ask for of their first input.
func (k Kind) Wish() Wish { return kinds[k].wish }

// Wish returns what the operator asks for of a tensor that it reads. Of tensors that it
// adds it asks for nothing.
func (o *Operator) Wish(t *Tensor) Wish {
	if o.Input() == t {
		return kinds[o.Kind].wish
	}
	return kinds[o.Kind].factors
}
