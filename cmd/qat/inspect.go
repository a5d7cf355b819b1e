// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/energy"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
)

// description is the outcome of `qat inspect`. Energies are estimates for one
// image, see package energy.
type description struct {
	Kind       string      `json:"kind"` // qmodel, or checkpoint
	Version    int         `json:"version"`
	Phase      string      `json:"phase,omitempty"` // of a checkpoint: float, qat
	Epoch      int         `json:"epoch,omitempty"` // of a checkpoint: done in the phase
	Model      string      `json:"model"`
	Method     string      `json:"method"`
	Classes    []string    `json:"classes"`
	Input      [3]int      `json:"input"`       // height, width, channels
	ArenaBytes int         `json:"arena_bytes"` // for activations of one image, 0 for a checkpoint
	FileBytes  int64       `json:"file_bytes"`
	MACs       int64       `json:"macs"`
	EnergyUJ   float64     `json:"energy_uj"`       // microjoules
	Float32UJ  float64     `json:"float_energy_uj"` // the same network in float32
	Layers     []layerInfo `json:"layers"`
}

type layerInfo struct {
	Name            string  `json:"name"`
	Operator        string  `json:"operator"`
	Method          string  `json:"method"`
	WeightBits      int     `json:"weight_bits"`     // 0 without weights
	ActivationBits  int     `json:"activation_bits"` // of its input
	Shape           []int   `json:"shape"`           // of its weights; empty without
	Output          [3]int  `json:"output"`
	MACs            int64   `json:"macs"`
	Bytes           int     `json:"bytes"`            // of its numbers, in the file
	AccumulatorBits int     `json:"accumulator_bits"` // 0 without accumulators
	Kernel          string  `json:"kernel"`           // that runs it
	EnergyUJ        float64 `json:"energy_uj"`
	Float32UJ       float64 `json:"float_energy_uj"`

	work energy.Layer
}

func inspectCommand() *cobra.Command {
	var kernel string
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a .qmodel or a checkpoint",
		Long: `Show the layers of a .qmodel or a checkpoint: operators, shapes, bits, MACs, bytes,
the bits that accumulators need, and an estimate of the energy of one image against
the same network in float32. A checkpoint of the quantized phase is shown as the
integers it exports to.

The kernels are those of this processor, or of --kernel. By AVX2, one with 16-bit
products sums in 32 bits; one with 8-bit products sums in 16 bits as long as the
weights and the bits of the input prove that nothing overflows, twice as fast. One
with 1-bit products counts the signs that differ.

The estimate is from the bits and the operations, with the energies of a 45 nm chip
at 0.9 V (Horowitz, ISSCC 2014; Dally, NIPS 2015 tutorial). Multiplications of other
widths cost in proportion to the product of the widths, memory to the bits moved,
each number once an image. It compares networks; it does not measure one.

The bits of a layer are w4a8 for weights of 4 bits and an input of 8; acc are the bits
of its accumulators. --json has the method, the kernel and the energies of each layer.`,
		Example: `  qat inspect runs/lenet-pact-w4a4/model.qmodel
  qat inspect runs/lenet-pact-w4a4/model.qmodel --kernel avx2
  qat inspect runs/lenet-pact-w4a4/checkpoint-float.safetensors --json`,
		Args: arguments(1, 1, "a .qmodel or a checkpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := describe(args[0], kernel)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), d)
			}
			return d.print(c.OutOrStdout())
		},
	}
	addKernel(c, &kernel)
	addJSON(c, &asJSON)
	return c
}

func describe(path, kernel string) (*description, error) {
	model, err := isModel(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var d *description
	if model {
		d, err = readModel(f, stat.Size(), kernel)
	} else {
		d, err = describeCheckpoint(path, kernel)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.FileBytes = stat.Size()
	d.estimate()
	return d, nil
}

func readModel(f *os.File, size int64, kernel string) (*description, error) {
	q, err := qmodel.Read(f, size)
	if err != nil {
		return nil, err
	}
	return describeModel(q, kernel)
}

// describeModel describes an integer model, run by the named kernels.
func describeModel(q *qmodel.Model, kernel string) (*description, error) {
	m, err := infer.New(q)
	if err != nil {
		return nil, err
	}
	r, err := m.NewRunner(infer.Options{Kernel: kernel, Work: m.Work()})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	d := &description{
		Kind: "qmodel", Version: q.Version, Model: q.Name, Method: q.Method, Classes: q.Classes,
		Input: [3]int{q.Input.Height, q.Input.Width, q.Input.Channels}, ArenaBytes: m.ArenaBytes(1),
	}
	for i, l := range r.Layers() {
		d.Layers = append(d.Layers, layerInfo{
			Name: l.Name, Operator: l.Operator, Method: l.Method, WeightBits: l.WeightBits, ActivationBits: l.ActivationBits,
			Shape: append([]int{}, l.Shape...), Output: l.Output, MACs: l.MACs, Bytes: l.Bytes, AccumulatorBits: l.AccumulatorBits, Kernel: l.Kernel,
			work: operatorWork(q, i),
		})
	}
	return d, nil
}

// operatorWork returns what operator i does for one image.
func operatorWork(q *qmodel.Model, i int) energy.Layer {
	o := &q.Operators[i]
	in, out := &q.Tensors[o.Inputs[0]], &q.Tensors[o.Output]
	w := energy.Layer{MACs: q.MACs(i), InputBits: in.Bits}
	if o.Aliases() { // the same numbers in the same place
		return w
	}
	if o.Weights != nil {
		n := int64(o.Weights.Len())
		w.Weights = energy.Numbers{Values: n, Bits: n * int64(o.Weights.Bits)}
		w.WeightBits = o.Weights.Bits * max(1, o.Weights.Planes)
	}
	for _, t := range append([]int{o.Output}, o.Inputs...) {
		n := int64(q.Tensors[t].Len())
		w.Activations.Values += n
		w.Activations.Bits += n * int64(q.Tensors[t].Bits)
	}
	outputs := int64(out.Len())
	if o.Adds() {
		w.Adds = outputs * int64(len(o.Inputs)-1)
	}
	if o.Averages() {
		w.Adds = outputs * int64(o.Kernel[0]*o.Kernel[1])
	}
	return w
}

// describeCheckpoint describes a checkpoint as the integers it exports to, or, if
// it does not (of the float phase, with layers in floating point, diverged), as it
// is.
func describeCheckpoint(path, set string) (*description, error) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	r, err := pipeline.Open(path, 1, pool)
	if err != nil {
		return nil, err
	}
	n := r.Network
	d := describeNetwork(n, r.Quantized)
	if q, err := integers(r); err == nil {
		if d, err = describeModel(q, set); err != nil {
			return nil, err
		}
	}
	info := r.Checkpoint.Info
	d.Kind, d.Version, d.Phase, d.Epoch, d.ArenaBytes = "checkpoint", info.Version, info.Phase, info.Position.Epoch, 0
	return d, nil
}

// integers returns the model that a checkpoint exports to.
func integers(r *pipeline.Restored) (*qmodel.Model, error) {
	if err := exportable(r); err != nil {
		return nil, err
	}
	plan, err := export.Derive(r.Network)
	if err != nil {
		return nil, err
	}
	return plan.Lower(r.About())
}

// estimate fills in the energies and the sums.
func (d *description) estimate() {
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

// print writes the description for people.
func (d *description) print(w io.Writer) error {
	kind := fmt.Sprintf("%s, version %d", d.Kind, d.Version)
	if d.Phase != "" {
		kind += fmt.Sprintf(", %s phase, epoch %d", d.Phase, d.Epoch)
	}
	memory := "file " + byteSize(d.FileBytes)
	if d.ArenaBytes > 0 {
		memory += ", activations " + byteSize(int64(d.ArenaBytes))
	}
	err := printf(w, "%s\nnetwork %s, method %s, input %s\n%d classes: %s\n%s\nenergy %.3f µJ an image by estimate, in float32 %.3f µJ\n%s%s\n",
		kind, d.Model, d.Method, dimensions(d.Input[:]), len(d.Classes), strings.Join(d.Classes, ", "), memory, d.EnergyUJ, d.Float32UJ,
		lines(d.accumulators()), lines(d.kernels()))
	if err != nil {
		return err
	}
	number := func(n int64) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	var rows [][]string
	var bytes int64
	for _, l := range d.Layers {
		bytes += int64(l.Bytes)
		rows = append(rows, []string{
			l.Name, strings.TrimSuffix(l.Operator, "_conv2d"), l.bits(), dimensions(l.Shape), dimensions(l.Output[:]),
			number(l.MACs), number(int64(l.Bytes)), number(int64(l.AccumulatorBits)),
		})
	}
	rows = append(rows, []string{"all", "", "", "", "", number(d.MACs), number(bytes), ""})
	return term.Table(w, []string{"layer", "operator", "bits", "weights", "output", "MACs", "bytes", "acc"}, rows)
}

// bits writes the bits of a layer as w4a8, as a8 without weights.
func (l *layerInfo) bits() string {
	if l.WeightBits == 0 {
		return fmt.Sprintf("a%d", l.ActivationBits)
	}
	return fmt.Sprintf("w%da%d", l.WeightBits, l.ActivationBits)
}

// kernels says how many layers with weights each kernel runs, a line each.
func (d *description) kernels() string {
	var names []string
	layers := map[string]int{}
	for _, l := range d.Layers {
		if l.WeightBits == 0 || l.Kernel == "" {
			continue
		}
		if layers[l.Kernel] == 0 {
			names = append(names, l.Kernel)
		}
		layers[l.Kernel]++
	}
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "layers run by %s: %d\n", term.Plain(name), layers[name])
	}
	return b.String()
}

// accumulators says how wide the accumulators are, in words.
func (d *description) accumulators() string {
	all, narrow, widest := 0, 0, 0
	for _, l := range d.Layers {
		if l.AccumulatorBits > 0 {
			all++
			widest = max(widest, l.AccumulatorBits)
		}
		if l.AccumulatorBits > 0 && l.AccumulatorBits <= 16 {
			narrow++
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("accumulators of %d of %d layers fit 16 bits, the widest has %d\n", narrow, all, widest)
}

// dimensions writes a shape as 28x28x1, "-" for none.
func dimensions(shape []int) string {
	if len(shape) == 0 {
		return "-"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", "x"), "[]")
}
