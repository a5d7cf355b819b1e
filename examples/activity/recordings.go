// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"

	"github.com/goqat/goqat/datasets"
)

// What a recording is: two seconds of three axes, at 50 moments a second, in 1/4096 of the gravity of the earth.
const (
	moments = 100
	axes    = 3
	rate    = 50
	unit    = 1.0 / 4096
)

// An activity moves the sensor periodically: up and down and to and fro with every step, sideways with every other.
type activity struct {
	name     string
	steps    float64 // a second
	up, sway float64 // amplitudes, in gravities of the earth
	harmonic float64 // amplitude of the second harmonic, in parts of up
	noise    float64 // standard deviation, in gravities of the earth
}

// Alphabetically, as classes are.
var activities = []activity{
	{"cycle", 1.3, 0.1, 0.35, 0.3, 0.08},
	{"rest", 0.3, 0.01, 0.02, 0, 0.02},
	{"run", 2.7, 1.2, 0.4, 0.5, 0.15},
	{"walk", 1.8, 0.35, 0.15, 0.6, 0.06},
}

func names() []string {
	list := make([]string, len(activities))
	for i, a := range activities {
		list[i] = a.name
	}
	return list
}

// record returns a recording, the axes innermost. Each has its own pace and strength, and its own tilt of the sensor.
func (a activity) record(rng *rand.Rand) []int16 {
	steps, strength := a.steps*(0.85+0.3*rng.Float64()), 0.7+0.6*rng.Float64()
	phase, tilt := 2*math.Pi*rng.Float64(), 0.4*rng.NormFloat64()
	samples := make([]int16, 0, moments*axes)
	for j := range moments {
		turn := phase + 2*math.Pi*steps*float64(j)/rate
		forth := strength * a.sway * math.Cos(turn)
		side := strength * a.sway * math.Sin(turn/2) / 2
		up := 1 + strength*a.up*(math.Sin(turn)+a.harmonic*math.Sin(2*turn))
		for _, g := range [axes]float64{forth*math.Cos(tilt) - up*math.Sin(tilt), side, forth*math.Sin(tilt) + up*math.Cos(tilt)} {
			s := math.RoundToEven((g + a.noise*rng.NormFloat64()) / unit)
			samples = append(samples, int16(min(max(s, math.MinInt16), math.MaxInt16)))
		}
	}
	return samples
}

// recorded returns n recordings of each activity, in gravities of the earth.
func recorded(rng *rand.Rand, n int) (s datasets.Samples) {
	for range n {
		for label, a := range activities {
			for _, v := range a.record(rng) {
				s.Values = append(s.Values, float32(v)*unit)
			}
			s.Labels = append(s.Labels, int32(label))
		}
	}
	return s
}
