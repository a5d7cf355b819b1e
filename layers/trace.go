// SPDX-License-Identifier: Apache-2.0

package layers

import "fmt"

// tracer turns modules into units, with names and shapes but no graph yet: how
// a tensor is quantized depends on all who read it.
type tracer struct {
	units  []*Unit
	prefix string         // of the composition being traced
	counts map[string]int // default names given, by prefix and kind
	names  map[string]bool
	err    error
}

func (t *tracer) errorf(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// name returns the unit's full name: the given one, or the kind numbered.
func (t *tracer) name(given, kind string) string {
	if given == "" {
		key := t.scoped(kind)
		t.counts[key]++
		given = fmt.Sprintf("%s%d", kind, t.counts[key])
	}
	full := t.scoped(given)
	if t.names[full] {
		t.errorf("layers: the name %s is used twice", full)
	}
	t.names[full] = true
	return full
}

func (t *tracer) scoped(name string) string {
	if t.prefix == "" {
		return name
	}
	return t.prefix + "." + name
}

// enter makes name, already full, the prefix of what follows; leave undoes it.
func (t *tracer) enter(name string) (outer string) {
	outer, t.prefix = t.prefix, name
	return outer
}

func (t *tracer) leave(outer string) { t.prefix = outer }

// add appends a unit that reads x and returns its result.
func (t *tracer) add(u *Unit, x *Tensor, height, width, channels int) *Tensor {
	if height < 1 || width < 1 || channels < 1 {
		t.errorf("layers: %s: a %v does not fit an input of %s", u.Name, u.Window, x.shape())
		height, width, channels = max(1, height), max(1, width), max(1, channels)
	}
	u.Input = x
	x.readers = append(x.readers, u)
	u.Output = &Tensor{Name: u.Name, Height: height, Width: width, Channels: channels, Source: u}
	t.units = append(t.units, u)
	return u.Output
}
