// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	net "github.com/goqat/goqat/network"
)

func TestNonlinearGradients(t *testing.T) {
	for activation := net.HardSwish; activation <= net.PReLU; activation++ {
		t.Run(activation.String(), func(t *testing.T) {
			checkOp(t, func(g *graph.Graph, rng *rand.Rand) (*graph.Node, reference) {
				x, xr := lift(g, "x", 3, 2, 4)
				var slopes *graph.Param
				if activation.Learns() {
					slopes = g.Param("slope", graph.Biases, 4)
					for c := range slopes.Value {
						slopes.Value[c] = float32(rng.NormFloat64())
					}
				}
				return g.Nonlinear("y", x, activation, 0.3, slopes, false), func(v graphtest.Values) graphtest.Tensor {
					a := xr(v)
					z := graphtest.Zeros(a.N, a.H, a.W, 4)
					for i, x := range a.Data {
						slope := 0.3
						if slopes != nil {
							slope = v["slope"][i%4]
						}
						z.Data[i] = activation.Value(x, slope)
					}
					return z
				}
			})
		})
	}
}

func TestMultiplyGradients(t *testing.T) {
	checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
		x, xr := lift(g, "x", 3, 2, 4)
		y, yr := lift(g, "y", 3, 2, 4)
		gate, gr := lift(g, "gate", 1, 1, 4)
		return g.Multiply("product", x, y, gate, x), func(v graphtest.Values) graphtest.Tensor {
			a, b, c := xr(v), yr(v), gr(v)
			z := graphtest.Zeros(a.N, a.H, a.W, 4)
			for i, x := range a.Data {
				z.Data[i] = x * b.Data[i] * c.Data[i/(3*2*4)*4+i%4] * x
			}
			return z
		}
	})
}

func TestSelectGradients(t *testing.T) {
	checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
		x, xr := lift(g, "x", 3, 2, 4)
		channels := []int{3, 0, 1, 3, 2}
		return g.Select("some", x, channels), func(v graphtest.Values) graphtest.Tensor {
			a := xr(v)
			z := graphtest.Zeros(a.N, a.H, a.W, 5)
			for i := range z.Data {
				z.Data[i] = a.Data[i/5*4+channels[i%5]]
			}
			return z
		}
	})
}

func TestUpsampleGradients(t *testing.T) {
	checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
		x, xr := lift(g, "x", 3, 2, 2)
		return g.Upsample("large", x, [2]int{2, 3}), func(v graphtest.Values) graphtest.Tensor {
			a := xr(v)
			z := graphtest.Zeros(a.N, 6, 6, 2)
			for n := range a.N {
				for y := range 6 {
					for x := range 6 {
						for c := range 2 {
							z.Data[((n*6+y)*6+x)*2+c] = a.Data[((n*3+y/2)*2+x/3)*2+c]
						}
					}
				}
			}
			return z
		}
	})
}
