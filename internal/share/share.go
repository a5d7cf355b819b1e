// SPDX-License-Identifier: Apache-2.0

// Package share divides work among processes that know nothing of each other.
package share

import (
	"fmt"
	"strconv"
	"strings"
)

// A Part is that of index Index, from 0, of Of parts; the zero value is all. It is a
// value of a flag.
type Part struct{ Index, Of int }

// most bounds the parts of some work.
const most = 1 << 20

// Has tells whether item i of the work is of the part: every Of-th is, so that parts
// get alike shares of what comes first and last.
func (p Part) Has(i int) bool { return p.Of == 0 || i%p.Of == p.Index }

// Set reads a part written as "i/n".
func (p *Part) Set(text string) error {
	index, of, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if err1 != nil || err2 != nil || n < 1 || n > most || i < 0 || i >= n {
		return fmt.Errorf("%q is no part; write i/n with i from 0 to n-1, as 0/4", text)
	}
	*p = Part{i, n}
	return nil
}

// String is the part as Set reads it, empty for all.
func (p Part) String() string {
	if p.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.Index, p.Of)
}

// Type is what the value of the flag is called.
func (*Part) Type() string { return "i/n" }
