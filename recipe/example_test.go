// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"fmt"
	"log"

	"github.com/goqat/goqat/recipe"
)

// A recipe says what differs from the defaults; one with a mistake is refused with all of
// them, each with its line.
func ExampleParse() {
	r, err := recipe.Parse([]byte("data: {name: fashion-mnist}\nqat: {method: lsq, weight_bits: 2}\n"), "two-bits.yaml")
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Set("seed=3"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Data.Name, r.QAT.Method, r.QAT.WeightBits, r.Seed, r.Batch)

	_, err = recipe.Parse([]byte("model: lenet\nqat: {methd: lsq}\n"), "mistaken.yaml")
	fmt.Println(err)
	// Output:
	// fashion-mnist lsq 2 3 64
	// recipe: mistaken.yaml:2: unknown key "qat.methd", did you mean "qat.method"?
}
