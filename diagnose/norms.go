// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ptq"
)

const (
	// normImages are as many as the statistics are measured with.
	normImages = 256
	// normShift is how far the mean of a batch normalization's channels may be from
	// that of the network, in deviations, root mean square over the channels; the
	// same counts for the logarithm (base 2) of the variances' ratio.
	normShift = 0.5
	// normGain is the part of the loss that true statistics must save.
	normGain = 0.1
)

// quantized is the pass with all quantizers on.
var quantized = graph.Pass{Quantize: true}

// norms measures the statistics of every batch normalization, in the order of execution,
// with those before set right. Where the loss falls with them, also that of the float
// network, the running statistics are not those of the network: they were not frozen
// while the weights still moved. Where the loss of the float network does not fall, it is
// quantization that moves the statistics.
func (e *examination) norms() ([]Finding, error) {
	n := e.Network
	type statistics struct {
		name           string
		mean, variance []float32
	}
	var before []statistics
	for _, u := range n.Units {
		if u.Norm != nil {
			before = append(before, statistics{u.Name, slices.Clone(u.Norm.Mean), slices.Clone(u.Norm.Variance)})
		}
	}
	if len(before) == 0 {
		return nil, nil
	}
	norms := func(do func(k int, mean, variance []float32)) {
		k := 0
		for _, u := range n.Units {
			if u.Norm != nil {
				do(k, u.Norm.Mean, u.Norm.Variance)
				k++
			}
		}
	}
	defer norms(func(k int, mean, variance []float32) {
		copy(mean, before[k].mean)
		copy(variance, before[k].variance)
	})
	err := ptq.ReestimateNorms(e.ctx, n, e.Images.Calibration.Head(normImages), func(done, all int) { e.on("batch normalization", done, all) })
	if err != nil {
		return nil, err
	}
	r, err := e.evaluate(quantized)
	if err != nil || r.Loss > (1-normGain)*e.loss {
		return nil, err
	}
	if float, err := e.evaluate(graph.Pass{}); err != nil || float.Loss > (1-normGain)*e.float.Loss {
		return nil, err
	}
	var found []Finding
	norms(func(k int, mean, variance []float32) {
		b := before[k]
		var shift, ratio float64
		for c := range mean {
			d := float64(mean[c]-b.mean[c]) / math.Sqrt(float64(variance[c])+1e-5)
			l := math.Log2((float64(variance[c]) + 1e-5) / (float64(b.variance[c]) + 1e-5))
			shift, ratio = shift+d*d, ratio+l*l
		}
		shift, ratio = math.Sqrt(shift/float64(len(mean))), math.Sqrt(ratio/float64(len(mean)))
		if max(shift, ratio) > normShift {
			found = append(found, Finding{
				Cause: NormStatistics, Where: b.name,
				Says:     fmt.Sprintf("the statistics of batch normalization %s are not those of the network (means off by %.2f deviations, variances by a factor of %.2f): with its own the loss is %.4f, not %.4f; freeze them for the last epochs, while weights hardly move", b.name, shift, math.Exp2(ratio), r.Loss, e.loss),
				Evidence: map[string]float64{"mean_shift": shift, "variance_factor": math.Exp2(ratio), "loss": e.loss, "loss_reestimated": r.Loss},
				Do:       e.train(true, "qat.batchnorm_freeze=2"),
			})
		}
	})
	return found, nil
}
