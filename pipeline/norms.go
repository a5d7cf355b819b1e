// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/ptq"
)

// statistics are copies of the running statistics of batch normalization, and whose they are.
type statistics struct {
	norms            []*graph.Norm
	means, variances [][]float32
}

// restore puts the statistics back.
func (s *statistics) restore() {
	for i, n := range s.norms {
		copy(n.Mean, s.means[i])
		copy(n.Variance, s.variances[i])
	}
}

// reestimate computes the statistics of batch normalization anew, over as many training images as the recipe
// says, spread over all and not augmented, and returns those that training follows. They are a function of the
// weights, so that it can be repeated. Every rank does all of it.
func (p *phase) reestimate() (followed *statistics, err error) {
	followed = &statistics{}
	images := p.r.QAT.BatchNormReestimate
	if p.name != phaseQAT || images == 0 {
		return followed, nil
	}
	for _, u := range p.network.Units {
		if n := u.Norm; n != nil {
			followed.norms = append(followed.norms, n)
			followed.means, followed.variances = append(followed.means, slices.Clone(n.Mean)), append(followed.variances, slices.Clone(n.Variance))
		}
	}
	if err := ptq.ReestimateNorms(context.Background(), p.network, p.data.train.Spread(images), func(done, all int) { p.on.tell(Progress{"statistics", done, all}) }); err != nil {
		followed.restore()
		return nil, err
	}
	return followed, nil
}
