// SPDX-License-Identifier: Apache-2.0

package search

import "math"

// A Choice is one way out of several: what it takes of the budget, and what is lost.
type Choice struct {
	Cost int64
	Loss float64
}

// Resolution is the number of steps that a budget is divided into, at most.
const Resolution = 1 << 14

// Solve takes one choice of every class so that the sum of the costs is within the
// budget and the sum of the losses least: the multiple-choice knapsack problem, by
// dynamic programming over the budget. It returns the index of each, and false if even
// the cheapest do not fit.
//
// The budget is counted in steps, beyond the cheapest choices: the greatest common
// divisor of the costs, but at least a [Resolution]-th of what there is. With the
// former the result is exact; with the latter each cost is rounded up to whole steps,
// so that the budget is kept, and the losses are at most those of the exact result
// for a budget that is a step a class less.
func Solve(classes [][]Choice, budget int64) ([]int, bool) {
	rest := budget
	var divisor int64
	for _, class := range classes {
		least := cheapest(class)
		rest -= least
		for _, c := range class {
			divisor = gcd(divisor, c.Cost-least)
		}
	}
	if rest < 0 {
		return nil, false
	}
	step := max(1, divisor, (rest+Resolution-1)/Resolution)
	steps := int(rest / step)
	return trace(fill(classes, steps, step), classes, steps, step), true
}

// fill returns for each class, and each number of steps, the choice of the class that is
// best if the classes up to it have so many.
func fill(classes [][]Choice, steps int, step int64) [][]int {
	taken := make([][]int, len(classes))
	best := make([]float64, steps+1) // of the classes so far
	for k, class := range classes {
		next := make([]float64, steps+1)
		taken[k] = make([]int, steps+1)
		takes := stepsOf(class, step)
		for at := range next {
			next[at], taken[k][at] = math.Inf(1), -1
			for i, c := range class {
				if from := at - takes[i]; from >= 0 && best[from]+c.Loss < next[at] {
					next[at], taken[k][at] = best[from]+c.Loss, i
				}
			}
		}
		best = next
	}
	return taken
}

// trace follows the choices back from all steps.
func trace(taken [][]int, classes [][]Choice, steps int, step int64) []int {
	chosen := make([]int, len(classes))
	for k := len(classes) - 1; k >= 0; k-- {
		chosen[k] = taken[k][steps]
		steps -= stepsOf(classes[k], step)[chosen[k]]
	}
	return chosen
}

// stepsOf returns the steps that each choice of a class takes beyond the cheapest.
func stepsOf(class []Choice, step int64) []int {
	least, steps := cheapest(class), make([]int, len(class))
	for i, c := range class {
		steps[i] = int((c.Cost - least + step - 1) / step)
	}
	return steps
}

func cheapest(class []Choice) int64 {
	least := class[0].Cost
	for _, c := range class {
		least = min(least, c.Cost)
	}
	return least
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
