// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/goqat/goqat/qmodel"

// join finds how the codes of each input of a concatenation become codes of its
// result.
func join(_ *Plan, u *Unit) error {
	for _, in := range u.Inputs {
		if in.Bits == u.Output.Bits && in.Params == u.Output.Params {
			u.Tables = append(u.Tables, nil)
		} else {
			u.Tables = append(u.Tables, table(in, u.Output))
		}
	}
	return nil
}

// concat describes a concatenation.
func concat(u *Unit, o *qmodel.Operator) { o.Tables = u.Tables }
