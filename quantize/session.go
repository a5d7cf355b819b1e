// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"context"
	"fmt"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/recipe"
)

// A Session is a checkpoint with its images, ready for measurements.
type Session struct {
	Restored *pipeline.Restored // the float network, its quantizers of 8 bits
	Images   datasets.Split     // validation images, to measure with
	// Float are the accuracy and the loss of the float network.
	Float ptq.Sensitivity

	path        string
	s           Settings
	plan        ptq.Plan
	pool        *graph.Pool
	calibration datasets.Split
	logits      []float32 // of the float network
	record      *record
}

// OpenSession opens a checkpoint for measurements on so many validation images, 0 for all.
// They go on with those in the file record, and are kept there; "" keeps none. The bits of
// the settings do not count. It is an error if the settings are wrong, where pipeline.OpenFloat and pipeline.Restored.Images
// fail, and if the file holds measurements of something else or cannot be written.
func OpenSession(ctx context.Context, path string, s Settings, images int, record string) (_ *Session, err error) {
	m := &Session{path: path, s: s, pool: graph.NewPool(s.Threads)}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if m.plan, err = s.plan(); err != nil {
		return nil, err
	}
	m.plan.On = m.tell
	if m.Restored, err = m.network(8); err != nil {
		return nil, err
	}
	seed := m.Restored.Recipe.Seed
	if s.Seed != nil {
		seed = *s.Seed
	}
	all, err := m.Restored.Images(ctx, recipe.Data{Name: s.Data, Dir: s.Dir}, seed, s.Images, s.Reading)
	if err != nil {
		return nil, err
	}
	m.calibration, m.Images = all.Calibration, all.Validation
	if images > 0 {
		m.Images = m.Images.Head(images)
	}
	if m.record, err = openRecord(record, path, m.plan.Options, head{Data: all.Digest, Seed: seed, Granularity: s.Granularity, Calibration: s.Images, Measure: images}); err != nil {
		return nil, err
	}
	n := m.Restored.Network
	if m.logits, err = ptq.Logits(ctx, n, m.Images, graph.Pass{}); err != nil {
		return nil, err
	}
	m.Float.Accuracy, m.Float.Loss = ptq.Judge(m.logits, m.Images.Labels, len(n.Classes))
	return m, nil
}

// Close closes the file of measurements, and ends the threads.
func (m *Session) Close() {
	if m.record != nil {
		m.record.close()
	}
	m.pool.Close()
}

// network builds the network with quantizers of one width throughout.
func (m *Session) network(bits int) (*pipeline.Restored, error) {
	s := m.s
	s.WeightBits, s.ActivationBits, s.FirstLast = bits, bits, "same"
	return pipeline.OpenFloat(m.path, s.recipe(), evaluate.Batch, m.pool)
}

// calibrated returns the network of a width with its ranges.
func (m *Session) calibrated(ctx context.Context, bits int) (*pipeline.Restored, error) {
	r, err := m.network(bits)
	if err != nil {
		return nil, err
	}
	_, err = ptq.Quantize(ctx, r.Network, m.calibration, m.plan)
	return r, err
}

// Width measures every layer at one width, its weights, its input and both, or those of
// them that are wanted; nil wants all. It is an error where ptq.Quantize and ptq.Measure fail, and if the file of measurements
// cannot be written.
func (m *Session) Width(ctx context.Context, bits int, wanted func(ptq.Sensitivity) bool) ([]ptq.Sensitivity, error) {
	r, err := m.network(bits)
	if err != nil {
		return nil, err
	}
	var list []ptq.Sensitivity
	missing := 0
	for _, k := range ptq.Layers(r.Network) {
		if wanted != nil && !wanted(k) {
			continue
		}
		known, ok := m.record.find(k)
		if !ok {
			missing++
			known = k
		}
		known.On(m.Images.Len()) // which records of before do not say
		list = append(list, known)
	}
	if missing == 0 {
		return list, nil
	}
	if r, err = m.calibrated(ctx, bits); err != nil {
		return nil, err
	}
	for i, k := range list {
		if _, ok := m.record.find(k); !ok {
			if list[i], err = ptq.Measure(ctx, r.Network, m.Images, k, m.logits); err != nil {
				return nil, err
			}
			if err := m.record.add(list[i]); err != nil {
				return nil, err
			}
		}
		m.tell(fmt.Sprintf("%d bits", bits), i+1, len(list))
	}
	return list, nil
}

// Traces estimates the trace of the Hessian by each of what is named, with so many
// probes, of signs that depend on the seed. It is an error where ptq.Hessian fails, and if the file of measurements cannot be
// written.
func (m *Session) Traces(ctx context.Context, of []ptq.Sensitivity, probes int, seed uint64) ([]ptq.Trace, error) {
	list := make([]ptq.Trace, len(of))
	for i, k := range of {
		t := ptq.Trace{Layer: k.Layer, What: k.What, Probes: probes}
		known, ok := m.record.findTrace(t, seed)
		if !ok {
			var err error
			if known, err = ptq.Hessian(ctx, m.Restored.Network, m.Images, t, seed); err != nil {
				return nil, err
			}
			if err := m.record.addTrace(known, seed); err != nil {
				return nil, err
			}
		}
		list[i] = known
		m.tell("traces", i+1, len(of))
	}
	return list, nil
}

// Noise returns the squared errors of quantizing to one width, as ptq.Noise does.
func (m *Session) Noise(ctx context.Context, bits int) (map[[2]string]float64, error) {
	r, err := m.calibrated(ctx, bits)
	if err != nil {
		return nil, err
	}
	return ptq.Noise(ctx, r.Network, m.Images)
}

func (m *Session) tell(stage string, done, all int) {
	if m.s.Reading.On != nil {
		m.s.Reading.On(pipeline.Progress{What: stage, Done: done, Total: all})
	}
}
