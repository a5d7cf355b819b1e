// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qat/settings"
)

// Options say how ranges are found. The zero value is the default rule for all
// tensors.
type Options struct {
	Rule    string // of calibrate.Rules; "" means calibrate.Default
	Numbers calibrate.Options
	// Exceptions are rules for the tensors whose names match a pattern; the first
	// that matches counts.
	Exceptions []Exception
	// Progress, if not nil, is told how many images are done.
	Progress func(done int) `json:"-"`
}

// An Exception gives the tensors whose names match a pattern of path.Match
// ("conv*") another rule.
type Exception struct{ Match, Rule string }

// A Tensor is a tensor of a network with the range it was given.
type Tensor struct {
	Name string
	Rule string
	Bits int
	calibrate.Range
	// Warning says why the range should not be trusted, "" if nothing speaks
	// against it.
	Warning string
}

// Ranges shows images to the float network of n, its quantizers off, and gives
// every tensor whose quantizer has a range (qat.Ranged) the one that its rule
// finds. Memory does not grow with the number of images, and nothing depends on
// the batch size of the network or its threads. It is an error if there are no images, if a pattern of the options is malformed
// or matches no tensor, if a rule finds no range, which names the layer, or if ctx ends.
func Ranges(ctx context.Context, n *layers.Network, images datasets.Split, o Options) ([]Tensor, error) {
	sites, err := ranged(n, o)
	if err != nil {
		return nil, err
	}
	return find(ctx, n, images, sites, o.Progress)
}

// Fit gives the tensors whose quantizers start so (qat.Fitted) the ranges with the least mean squared
// error for the images, as Ranges does.
func Fit(ctx context.Context, n *layers.Network, images datasets.Split) error {
	rule, err := calibrate.Lookup(settings.StartMSE)
	if err != nil {
		return err
	}
	sites := map[string]*site{}
	for _, u := range n.Units {
		q, ok := u.Output.Quantizer.(qat.Fitted)
		if !ok {
			continue
		}
		if grid, ok := q.Fit(); ok {
			sites[u.Name] = &site{Tensor{Name: u.Name, Rule: rule.Name}, rule.New(calibrate.Options{}), q, grid}
		}
	}
	if len(sites) == 0 {
		return nil
	}
	_, err = find(ctx, n, images, sites, nil)
	return err
}

// find shows images to the float network of n, and gives the sites the ranges that their rules find.
func find(ctx context.Context, n *layers.Network, images datasets.Split, sites map[string]*site, progress func(int)) ([]Tensor, error) {
	if images.Len() == 0 {
		return nil, errors.New("ptq: there are no images to calibrate with")
	}
	if err := show(ctx, n, images, sites, progress); err != nil {
		return nil, err
	}
	found, failed := make([]calibrate.Range, len(n.Units)), make([]error, len(n.Units))
	err := n.Graph.Do(len(n.Units), func(i int) {
		if s := sites[n.Units[i].Name]; s != nil {
			found[i], failed[i] = s.rule.Range(s.grid)
		}
	})
	if err != nil {
		return nil, err
	}
	var tensors []Tensor
	for i, u := range n.Units {
		s, r := sites[u.Name], found[i]
		if s == nil {
			continue
		}
		if failed[i] != nil {
			return nil, fmt.Errorf("ptq: layer %s: %w", u.Name, failed[i])
		}
		s.quantizer.SetRange(float32(r.Lo), float32(r.Hi))
		s.tensor.Range, s.tensor.Bits = r, s.grid.Bits
		if w, ok := s.rule.(interface{ Warn() string }); ok {
			s.tensor.Warning = w.Warn()
		}
		tensors = append(tensors, s.tensor)
	}
	return tensors, nil
}

// A site is a tensor whose range is to be found.
type site struct {
	tensor    Tensor
	rule      calibrate.Calibrator
	quantizer qat.Ranged
	grid      calibrate.Grid
}

// ranged returns the sites of a network by the names of their units.
func ranged(n *layers.Network, o Options) (map[string]*site, error) {
	sites := map[string]*site{}
	used := make([]bool, len(o.Exceptions))
	for _, u := range n.Units {
		q, ok := u.Output.Quantizer.(qat.Ranged)
		if !ok {
			continue
		}
		name := o.Rule
		for i, e := range o.Exceptions {
			match, err := path.Match(e.Match, u.Name)
			if err != nil {
				return nil, fmt.Errorf("ptq: the layer pattern %q is malformed", e.Match)
			}
			if match {
				name, used[i] = e.Rule, true
				break
			}
		}
		rule, err := calibrate.Lookup(name)
		if err != nil {
			return nil, err
		}
		sites[u.Name] = &site{Tensor{Name: u.Name, Rule: rule.Name}, rule.New(o.Numbers), q, calibrate.Grid{Bits: q.Bits(), Symmetric: q.Symmetric()}}
	}
	for i, e := range o.Exceptions {
		if !used[i] {
			return nil, fmt.Errorf("ptq: no quantized tensor matches the pattern %q; there are %s", e.Match, strings.Join(slices.Sorted(maps.Keys(sites)), ", "))
		}
	}
	return sites, nil
}

// show runs the float network on all images, and hands each image's values to the
// calibrators of the sites.
func show(ctx context.Context, n *layers.Network, images datasets.Split, sites map[string]*site, progress func(int)) error {
	return forward(ctx, n, images, graph.Pass{}, progress, func(t graph.Site, rows int) {
		if s := sites[t.Name]; s != nil {
			size := len(t.Y) / rows
			for at := 0; at < len(t.Y); at += size {
				s.rule.Image(t.Y[at : at+size])
			}
		}
	})
}
