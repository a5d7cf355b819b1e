// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"os"

	"github.com/goqat/goqat/artifact"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
)

// File describes a .qmodel or a checkpoint; see [Model] and [Checkpoint]. It is an error if the file cannot be read, or is
// neither.
func File(path, kernel string) (*Description, error) {
	model, err := artifact.IsModel(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var d *Description
	if model {
		d, err = modelFile(f, stat.Size(), kernel)
	} else {
		d, err = checkpointFile(path, kernel)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.FileBytes = stat.Size()
	return d, nil
}

func modelFile(f *os.File, size int64, kernel string) (*Description, error) {
	q, err := qmodel.Read(f, size)
	if err != nil {
		return nil, err
	}
	return Model(q, kernel)
}

func checkpointFile(path, kernel string) (*Description, error) {
	pool := graph.NewPool(1)
	defer pool.Close()
	r, err := pipeline.Open(path, 1, pool)
	if err != nil {
		return nil, err
	}
	return Checkpoint(r, kernel)
}
