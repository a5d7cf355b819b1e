// SPDX-License-Identifier: Apache-2.0

package search_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/search"
)

// sum returns the cost and the loss of what is chosen.
func sum(classes [][]search.Choice, chosen []int) (cost int64, loss float64) {
	for k, i := range chosen {
		cost, loss = cost+classes[k][i].Cost, loss+classes[k][i].Loss
	}
	return cost, loss
}

// bruteForce returns the least loss of all combinations within a budget.
func bruteForce(classes [][]search.Choice, budget int64) float64 {
	least := math.Inf(1)
	chosen := make([]int, len(classes))
	for {
		if cost, loss := sum(classes, chosen); cost <= budget {
			least = min(least, loss)
		}
		k := 0
		for ; k < len(chosen); k++ {
			if chosen[k]++; chosen[k] < len(classes[k]) {
				break
			}
			chosen[k] = 0
		}
		if k == len(chosen) {
			return least
		}
	}
}

func random(rng *rand.Rand, classes, most int, unit int64) [][]search.Choice {
	list := make([][]search.Choice, classes)
	for k := range list {
		for range 1 + rng.IntN(most) {
			list[k] = append(list[k], search.Choice{Cost: unit * rng.Int64N(40), Loss: math.Round(rng.ExpFloat64() * 8)})
		}
	}
	return list
}

// TestSolveAgainstBruteForce compares with all combinations of small problems, whose
// costs fit the grid: exactly the least loss, or that nothing fits.
func TestSolveAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 400 {
		unit := int64(1 + rng.IntN(1000))
		classes := random(rng, 1+rng.IntN(6), 5, unit)
		budget := unit*rng.Int64N(150) + rng.Int64N(unit)
		chosen, fits := search.Solve(classes, budget)
		want := bruteForce(classes, budget)
		if !fits {
			if !math.IsInf(want, 1) {
				t.Fatalf("%v in %d: nothing fits, want a loss of %v", classes, budget, want)
			}
			continue
		}
		if cost, loss := sum(classes, chosen); cost > budget || loss != want {
			t.Fatalf("%v in %d: cost %d, loss %v, want %v", classes, budget, cost, loss, want)
		}
	}
}

// TestSolveOnTheGrid has costs that no grid fits: the budget is kept, and the loss is
// at most the least for a budget of a step a class less.
func TestSolveOnTheGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		classes := random(rng, 5, 5, 1)
		for _, class := range classes {
			for i := range class {
				class[i].Cost = class[i].Cost*1_000_003 + rng.Int64N(1000)
			}
		}
		budget := int64(100 * 1_000_003)
		chosen, fits := search.Solve(classes, budget)
		if !fits {
			continue
		}
		cost, loss := sum(classes, chosen)
		step := budget/search.Resolution + 1
		if least, bound := bruteForce(classes, budget), bruteForce(classes, budget-5*step); cost > budget || loss < least || loss > bound {
			t.Errorf("cost %d of %d, loss %v, want %v to %v", cost, budget, loss, least, bound)
		}
	}
}
