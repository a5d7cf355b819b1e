// SPDX-License-Identifier: Apache-2.0

package network

import "math"

// An Activation is the nonlinearity of an operator's result.
type Activation uint8

// The activations. A slope is what Operator.Slope says, or a learned one for each
// channel.
const (
	Identity    Activation = iota
	ReLU                   // max(x, 0)
	ReLU6                  // min(max(x, 0), 6), Howard et al. 2017
	HardSwish              // x·min(max(x + 3, 0), 6)/6, Howard et al. 2019
	HardSigmoid            // min(max(slope·x + 1/2, 0), 1); slope 1/6 in PyTorch, 1/5 in Keras 2
	Sigmoid                // 1/(1 + e^-x)
	SiLU                   // x/(1 + e^-x), Elfwing et al. 2018
	LeakyReLU              // x, and slope·x below 0
	PReLU                  // LeakyReLU with learned slopes, He et al. 2015
)

// activations is the table of all of them.
var activations = [...]struct {
	name     string
	clamps   bool    // it is a limit of the values from below and above
	positive bool    // no value is below 0
	slope    float64 // the usual one; 0 for those that have none
	value    func(x, slope float64) float64
	gradient func(x, slope float64) float64 // by x; at a corner, the derivative to its right
}{
	Identity:    {name: "identity", value: func(x, _ float64) float64 { return x }, gradient: func(float64, float64) float64 { return 1 }},
	ReLU:        {name: "relu", clamps: true, positive: true, value: func(x, _ float64) float64 { return max(x, 0) }, gradient: func(x, _ float64) float64 { return within(x, 0, math.Inf(1)) }},
	ReLU6:       {name: "relu6", clamps: true, positive: true, value: func(x, _ float64) float64 { return min(max(x, 0), 6) }, gradient: func(x, _ float64) float64 { return within(x, 0, 6) }},
	HardSwish:   {name: "hard_swish", value: hardSwish, gradient: hardSwishGradient},
	HardSigmoid: {name: "hard_sigmoid", positive: true, slope: 1.0 / 6, value: hardSigmoid, gradient: hardSigmoidGradient},
	Sigmoid:     {name: "sigmoid", positive: true, value: func(x, _ float64) float64 { return sigmoid(x) }, gradient: func(x, _ float64) float64 { s := sigmoid(x); return s * (1 - s) }},
	SiLU:        {name: "silu", value: func(x, _ float64) float64 { return x * sigmoid(x) }, gradient: siluGradient},
	LeakyReLU:   {name: "leaky_relu", slope: 0.01, value: leakyReLU, gradient: leakyReLUGradient},
	PReLU:       {name: "prelu", slope: 0.25, value: leakyReLU, gradient: leakyReLUGradient},
}

// ActivationNames returns the names of all activations but the identity.
func ActivationNames() []string {
	var names []string
	for _, a := range activations[1:] {
		names = append(names, a.name)
	}
	return names
}

// ActivationNamed returns the activation of a name, and false if there is none.
func ActivationNamed(name string) (Activation, bool) {
	for i, a := range activations {
		if a.name == name {
			return Activation(i), true
		}
	}
	return Identity, false
}

// String returns the name of the activation.
func (a Activation) String() string { return activations[a].name }

// Clamps says whether the activation limits values from below and above: then it is a
// range of an operator's codes. Others are an operator of their own, a Nonlinearity.
func (a Activation) Clamps() bool { return activations[a].clamps || a == Identity }

// Positive says whether no value of the activation is below 0.
func (a Activation) Positive() bool { return activations[a].positive }

// Learns says whether the activation has a learned slope for each channel.
func (a Activation) Learns() bool { return a == PReLU }

// Slope returns the slope that the activation has if none is given, 0 for those that
// have none.
func (a Activation) Slope() float64 { return activations[a].slope }

// Value returns the activation of x.
func (a Activation) Value(x, slope float64) float64 { return activations[a].value(x, slope) }

// Gradient returns the derivative of the activation by x.
func (a Activation) Gradient(x, slope float64) float64 { return activations[a].gradient(x, slope) }

// within returns 1 for x inside of (lo, hi), else 0.
func within(x, lo, hi float64) float64 {
	if x > lo && x < hi {
		return 1
	}
	return 0
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func siluGradient(x, _ float64) float64 {
	s := sigmoid(x)
	return s * (1 + float64(x*(1-s)))
}

func hardSwish(x, _ float64) float64 { return x * min(max(x+3, 0), 6) / 6 }

func hardSwishGradient(x, _ float64) float64 {
	switch {
	case x <= -3:
		return 0
	case x >= 3:
		return 1
	}
	return (float64(2*x) + 3) / 6
}

func hardSigmoid(x, slope float64) float64 { return min(max(float64(slope*x)+0.5, 0), 1) }

func hardSigmoidGradient(x, slope float64) float64 { return slope * within(float64(slope*x)+0.5, 0, 1) }

func leakyReLU(x, slope float64) float64 {
	if x < 0 {
		return slope * x
	}
	return x
}

func leakyReLUGradient(x, slope float64) float64 {
	if x < 0 {
		return slope
	}
	return 1
}
