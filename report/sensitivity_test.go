// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/report"
)

// TestSensitivity wants each layer and each kind of measurement in the picture; a
// ratio that is not finite has no place in it.
func TestSensitivity(t *testing.T) {
	var list []ptq.Sensitivity
	for i := range 6 {
		for _, bits := range []int{8, 4, 2} {
			for j, what := range []string{ptq.OfWeights, ptq.OfActivations, ptq.OfBoth} {
				list = append(list, ptq.Sensitivity{Layer: fmt.Sprintf("<conv%d>", i), What: what, Bits: bits, SNRdB: float64(5*bits-2*j) + 3*math.Sin(float64(i))})
			}
		}
	}
	list[0].SNRdB = math.Inf(1)
	var b strings.Builder
	if err := report.Sensitivity(&b, list); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">&lt;conv0&gt;<", ">&lt;conv5&gt;<", ">8 bits, weights<", ">2 bits, both<"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	if strings.Contains(b.String(), "Inf") {
		t.Error("what is not finite is drawn")
	}
}
