// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"math"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
)

// Check says why the network cannot be exported, before any training: it exports
// the network as it stands, and keeps nothing. What can only be
// checked after training is the size of numbers: accumulators and sums beyond their
// bounds.
func Check(n *layers.Network) error {
	p, err := Derive(n)
	if err != nil {
		return err
	}
	_, err = p.Lower(About{})
	return err
}

// refused says what of a network has no integer form.
func refused(n *layers.Network) error {
	if n.InStage() {
		return fmt.Errorf("export: the network is in an early stage of its training, without its final bits; train it to the end")
	}
	for _, u := range n.Units {
		switch {
		case !u.Kind.Weighted():
		case u.Assigned.Float:
			return fmt.Errorf("export: layer %s stays in floating point (first_last: float), so the network cannot run on integers; choose 8 or same", u.Name)
		case u.Assigned.FloatWeights():
			return fmt.Errorf("export: the weights of layer %s stay in floating point (weight_bits: %d), so the network cannot run on integers; choose 1 to 8 bits", u.Name, qat.FloatBits)
		case u.Assigned.FloatInput():
			return fmt.Errorf("export: the input of layer %s stays in floating point (activation_bits: %d), so the network cannot run on integers; choose 1 to 8 bits", u.Name, qat.FloatBits)
		case n.Policy.InputScaling && u.Assigned.Signs():
			return fmt.Errorf("export: layer %s scales its results by the magnitudes of its input (input_scaling: true), which has no integer form; leave it out", u.Name)
		case !u.Assigned.Weights.Info().Integers:
			return fmt.Errorf("export: layer %s uses the method %s, which has no integer form", u.Name, u.Assigned.Weights.Info().Name)
		case !u.Assigned.Input.Info().Integers:
			return fmt.Errorf("export: the input of layer %s uses the method %s, which has no integer form", u.Name, u.Assigned.Input.Info().Name)
		}
	}
	tensors := []qmodel.Tensor{shaped(n.Image)}
	for _, u := range n.Units {
		if !u.Kind.TrainingOnly() {
			tensors = append(tensors, shaped(u.Output))
		}
	}
	if err := qmodel.CheckShapes(tensors); err != nil {
		return fmt.Errorf("export: %w; make data.height and data.width smaller, or pool more", err)
	}
	return nil
}

// finite refuses parameters that are infinite or no numbers: quantization would make
// integers of them, too.
func finite(n *layers.Network) error {
	for _, p := range n.Graph.Params() {
		for i, v := range p.Value {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Errorf("export: value %d of %s is %v: the training diverged; lower its learning rate, or take an earlier checkpoint", i, p.Name, v)
			}
		}
	}
	return nil
}
