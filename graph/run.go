// SPDX-License-Identifier: Apache-2.0

package graph

// A Mode says what a run of the graph computes.
type Mode uint8

// The modes of a run.
const (
	// Train normalizes with the statistics of the batch (unless frozen),
	// drops out, updates observers and computes gradients.
	Train Mode = iota
	// Eval normalizes with running statistics and changes no state.
	Eval
	// Integer evaluates the same nodes on integers: every tensor holds
	// q − zero point, every accumulator is exact, and epilogues requantize
	// with the integer parameters set by SetInteger.
	Integer
)

// A Pass says what a run of the graph computes, beside its batch: it goes in by
// value, and nothing of it stays for the next one.
type Pass struct {
	Mode Mode

	// Quantize turns the quantizers on; off, the graph is the float network.
	Quantize bool
	// Float, if not nil, names the quantizers that stay off all the same: the quantizer
	// of a tensor by the tensor's name, of weights by the parameter's.
	Float func(name string) bool
	// Observe lets the observers follow the ranges of training runs, and with
	// Calibrate of others.
	Observe bool
	// Calibrate has observers start from the statistics of this run instead of
	// following; the run then takes more statistics (see Stats).
	Calibrate bool
	// FreezeNorm makes batch normalization use its running statistics, and
	// leave them as they are, in training too.
	FreezeNorm bool

	// Seed and Step number the random choices of a training run (dropout,
	// stochastic rounding), so that a resumed run makes the same ones.
	Seed, Step uint64

	// First and Of make the run one of several that a step of the training is taken in:
	// its batch is the images First, First + 1, … of the Of images of the step. Random
	// choices, and the mean that the loss is, are then those of the whole step, and what
	// the run measures waits for Commit. Of 0 means that the run is all of the step.
	First, Of int

	// Temperature and SoftWeight mix soft targets into the loss; see Loss.
	Temperature, SoftWeight float32
	// ClassWeights are factors on the loss by class, at least 0; nil is 1 for all.
	ClassWeights []float32
	// Smoothing ε, in [0, 1), spreads the target evenly over all classes: (1 − ε) times
	// the target plus ε/classes (Szegedy et al. 2016, "Rethinking the Inception
	// architecture", section 7).
	Smoothing float32
	// Partners, if not nil, are the labels of the images mixed into the batch's images:
	// the target is Share of the label and 1 − Share of the partner (Zhang et al. 2018,
	// "mixup", section 2).
	Partners []int32
	Share    float32

	// Tap, if not nil, sees every site (the output of an epilogue, a pooling
	// or a flatten) and every convolution of Eval and Integer runs, in the
	// order of execution. It may overwrite y.
	Tap func(Site)
}

// In returns the pass in another mode.
func (p Pass) In(m Mode) Pass {
	p.Mode = m
	return p
}

// Quantizes says whether the quantizer of a name is on.
func (p *Pass) Quantizes(name string) bool {
	return p.Quantize && (p.Float == nil || !p.Float(name))
}

// A Run is a pass over a batch, as the ops see it.
type Run struct {
	Pass
	Batch int // rows of the batch that are valid, at most the graph's batch size

	again    bool // the parameters are those of the run before, of the same step
	coded    bool // tensors are codes as the executor of the training has planned it
	pool     *Pool
	decoding decoding

	wideX, wideW []float64 // image and weights of the convolution that runs, in Integer runs where float32 is too narrow
}

// partial says whether the run is one of several of a step.
func (r *Run) partial() bool { return r.Of > 0 }

// Images returns the number of images of the step, of which the run may have a part.
func (r *Run) Images() int {
	if r.partial() {
		return r.Of
	}
	return r.Batch
}

// Do runs the tiles 0 to n-1 of t on the graph's threads, and returns when all are
// done. A Function may call it, a tile may not.
func (r *Run) Do(t Task, n int) { r.pool.Run(t, n) }

// A Site is one tensor as a Tap sees it. Y holds Batch rows of the tensor,
// row-major NHWC: real values in Eval runs, q − zero point in Integer runs.
type Site struct {
	Name string
	Y    []float32
	// Codes are the integers q of an epilogue's output in an Integer run, nil
	// otherwise.
	Codes []int32
	// Wide are the accumulators of a convolution that exceed float32's exact
	// range, in which case Y is not valid; nil otherwise.
	Wide []float64
	// Steps is where a Tap says of which steps the values are whole numbers that it has
	// put in Y, instead of those of an epilogue's quantizer that is off; nil elsewhere.
	Steps *Steps
}
