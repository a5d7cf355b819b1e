// SPDX-License-Identifier: Apache-2.0

package recipe_test

import (
	"math"
	"strings"
	"testing"

	"github.com/goqat/goqat/recipe"
)

func TestClassWeights(t *testing.T) {
	classes, drawn := []string{"cat", "dog", "owl"}, []int{60, 30, 10}
	for _, c := range []struct {
		text string
		want []float64 // up to a common factor, nil for none
	}{
		{"none", nil}, {"auto", []float64{1, 2, 6}}, {"{owl: 6}", []float64{1, 1, 6}}, {"{cat: 0, dog: 2, owl: 3}", []float64{0, 2, 3}},
	} {
		r := recipe.Default()
		if err := r.Set("class_weights=" + c.text); err != nil {
			t.Fatal(err)
		}
		got, err := r.ClassWeights.Of(classes, drawn)
		if err != nil {
			t.Fatal(err)
		}
		if (got == nil) != (c.want == nil) {
			t.Fatalf("%s: %v", c.text, got)
		}
		var mean float64
		for i := range got {
			mean += float64(got[i]) * float64(drawn[i]) / 100
			if ratio := float64(got[i]) * c.want[1]; math.Abs(ratio-float64(got[1])*c.want[i]) > 1e-6 {
				t.Errorf("%s: %v, want in proportion to %v", c.text, got, c.want)
			}
		}
		if got != nil && math.Abs(mean-1) > 1e-6 {
			t.Errorf("%s: the mean weight of an image is %v", c.text, mean)
		}
	}
}

func TestClassWeightsRefuse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{owll: 2}", `there is no class "owll", did you mean "owl"?`},
		{"{horse: 2}", `there is no class "horse"; classes are [cat dog owl]`},
		{"{cat: 0, dog: 0, owl: 0}", "0 for every class"},
	} {
		r := recipe.Default()
		if err := r.Set("class_weights=" + c.text); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ClassWeights.Of([]string{"cat", "dog", "owl"}, []int{1, 1, 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
	for _, text := range []string{"{cat: x}", "[1, 2]", "heavy", "{cat: 1, cat: 2}"} {
		if err := recipe.Default().Set("class_weights=" + text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestLength(t *testing.T) {
	for _, c := range []struct {
		text          string
		height, width int
		want          int
	}{{"3", 10, 20, 3}, {"4%", 28, 28, 1}, {"4%", 64, 64, 3}, {"4%", 96, 224, 4}, {"12.5%", 32, 32, 4}, {"4%", 1, 128, 5}, {"4%", 8, 8, 1}, {"0%", 9, 9, 0}} {
		r := recipe.Default()
		if err := r.Set("data.augment.crop=" + c.text); err != nil {
			t.Fatal(err)
		}
		if got := r.Data.Augment.Crop.Of(c.height, c.width); got != c.want {
			t.Errorf("%s of %dx%d is %d pixels, want %d", c.text, c.height, c.width, got, c.want)
		}
	}
	for _, text := range []string{"x", "%", "NaN%", "1.5", "[1]"} {
		if err := recipe.Default().Set("data.augment.crop=" + text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
