// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/goqat/goqat/qmodel"

// selection describes a choice of channels.
func selection(u *Unit, o *qmodel.Operator) { o.First, o.Shuffle = u.First, u.Shuffle }

// upsampling describes an upsampling.
func upsampling(u *Unit, o *qmodel.Operator) { o.Factor = u.Factor }
