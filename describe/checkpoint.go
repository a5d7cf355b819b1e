// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
)

// Checkpoint describes a checkpoint as the integers it exports to, or, if
// it does not (of the float phase, with layers in floating point, diverged), as it
// is. It is an error if there are no such kernels.
func Checkpoint(r *pipeline.Restored, kernel string) (*Description, error) {
	n := r.Network
	d := Network(n, graph.Pass{Quantize: r.Quantized})
	if q, err := integers(r); err == nil {
		if d, err = Model(q, kernel); err != nil {
			return nil, err
		}
	}
	info := r.Checkpoint.Info
	d.Kind, d.Version, d.Phase, d.Epoch, d.ArenaBytes = "checkpoint", info.Version, info.Phase, info.Position.Epoch, 0
	return d, nil
}

// integers returns the model that a checkpoint exports to.
func integers(r *pipeline.Restored) (*qmodel.Model, error) {
	if err := r.Exportable(); err != nil {
		return nil, err
	}
	plan, err := export.Derive(r.Network)
	if err != nil {
		return nil, err
	}
	return plan.Lower(r.About())
}
