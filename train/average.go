// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"

	"github.com/goqat/goqat/layers"
)

// An Average follows the weights of a network through its training by an exponential
// moving average (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, "Mean teachers",
// section 2):
//
//	average = β·average + (1 − β)·weight,  β = min(Decay, (1 + t)/(10 + t))
//
// at step t, so that the first steps do not linger. It holds all parameters and the
// running statistics of batch normalization, which belong to them; what quantizers observe
// is that of the network itself.
type Average struct {
	Decay float64 // β in the long run, in (0, 1)

	steps  int
	live   [][]float32 // of the network
	names  []string
	values [][]float32 // their averages
}

// NewAverage starts an average from a network as it stands.
func NewAverage(n *layers.Network, decay float64) *Average {
	a := &Average{Decay: decay}
	for _, p := range n.Graph.Params() {
		a.follow(p.Name, p.Value)
	}
	for _, u := range n.Units {
		if u.Norm != nil {
			a.follow(u.Name+".mean", u.Norm.Mean)
			a.follow(u.Name+".variance", u.Norm.Variance)
		}
	}
	return a
}

func (a *Average) follow(name string, live []float32) {
	a.names, a.live = append(a.names, name), append(a.live, live)
	a.values = append(a.values, append([]float32(nil), live...))
}

// Restart forgets what was averaged: what the network is now is where it starts.
func (a *Average) Restart() {
	a.steps = 0
	for i, live := range a.live {
		copy(a.values[i], live)
	}
}

// Step takes in the network after a step of its training.
func (a *Average) Step() {
	keep := float32(min(a.Decay, float64(1+a.steps)/float64(10+a.steps)))
	a.steps++
	for i, live := range a.live {
		values := a.values[i]
		for k, v := range live {
			values[k] = float32(keep*values[k]) + float32((1-keep)*v)
		}
	}
}

// Swap exchanges the network's numbers and their averages; a second call undoes it.
func (a *Average) Swap() {
	for i, live := range a.live {
		for k, v := range live {
			live[k], a.values[i][k] = a.values[i][k], v
		}
	}
}

// averagePrefix marks the averages in a checkpoint; averageSteps is how many steps are in
// them.
const (
	averagePrefix = "average/"
	averageSteps  = averagePrefix + "steps"
)

// PutAverage adds an average to the checkpoint.
func (c *Checkpoint) PutAverage(a *Average) {
	c.put(averageSteps, []int{2}, []float32{float32(a.steps >> 16), float32(a.steps & (1<<16 - 1))})
	for i, name := range a.names {
		c.put(averagePrefix+name, c.shapes[name], a.values[i])
	}
}

// RestoreAverage copies the average in the checkpoint to a.
func (c *Checkpoint) RestoreAverage(a *Average) error {
	steps := c.tensors[averageSteps]
	if len(steps) != 2 {
		return fmt.Errorf("train: the checkpoint has no average of the weights")
	}
	for i, name := range a.names {
		t := c.tensors[averagePrefix+name]
		if len(t) != len(a.values[i]) {
			return fmt.Errorf("train: the checkpoint is of another network: it has %d averages for %s, the network %d", len(t), name, len(a.values[i]))
		}
		copy(a.values[i], t)
	}
	a.steps = int(steps[0])<<16 + int(steps[1])
	return nil
}
