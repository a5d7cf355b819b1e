// SPDX-License-Identifier: Apache-2.0

package export

import (
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
)

// coding returns what the codes of a layer's weights stand for in the model.
func coding(w qat.Weights) qmodel.Coding {
	if w.Odd() {
		return qmodel.Odd
	}
	return qmodel.Narrow
}
