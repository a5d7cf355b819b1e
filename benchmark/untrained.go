// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// untrainedClasses is the number of classes of the networks that are measured
// untrained.
const untrainedClasses = 10

// Shape returns the size of the images of an untrained network: what the recipe asks
// for, else what the network is usually given.
func Shape(r *recipe.Recipe) datasets.Shape {
	h, w, c := layers.DefaultInput(r.Model.Name)
	return datasets.Shape{Height: cmp.Or(r.Data.Height, h), Width: cmp.Or(r.Data.Width, w), Channels: cmp.Or(r.Data.Channels, c)}
}

// build builds the recipe's network for images of the given mean and
// deviation.
func build(r *recipe.Recipe, s datasets.Shape, mean, deviation float64, pool *graph.Pool) (*layers.Network, error) {
	classes := make([]string, untrainedClasses)
	for i := range classes {
		classes[i] = fmt.Sprint(i)
	}
	in := layers.Input{Height: s.Height, Width: s.Width, Channels: s.Channels, Params: layers.Normalized(mean, deviation)}
	return pipeline.Build(r, in, classes, pool)
}

// Untrained returns the .qmodel of the recipe's network as it is initialized, its
// ranges set by random images. Nothing depends on threads but the time it takes.
func Untrained(r *recipe.Recipe, threads int) ([]byte, error) {
	const batch = 8
	r.Batch = batch
	shape := Shape(r)
	random := rand.New(rand.NewPCG(uint64(r.Seed), 0))
	split := datasets.Split{Images: make([]uint8, batch*shape.Size()), Labels: make([]int32, batch)}
	for i := range split.Images {
		split.Images[i] = uint8(random.Uint32())
	}
	pool := graph.NewPool(threads)
	defer pool.Close()
	mean, deviation, err := datasets.MeanDeviation(split)
	if err != nil {
		return nil, err
	}
	n, err := build(r, shape, mean, deviation, pool)
	if err != nil {
		return nil, err
	}
	if err := export.Check(n); err != nil {
		return nil, err
	}
	if err := pipeline.Calibrate(n, split); err != nil {
		return nil, err
	}
	var file bytes.Buffer
	err = export.Write(&file, n, export.About{Method: r.QAT.Method, Packing: pipeline.Packing(&r.QAT)})
	return file.Bytes(), err
}
