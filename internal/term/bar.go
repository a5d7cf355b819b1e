// SPDX-License-Identifier: Apache-2.0

package term

import (
	"io"

	"github.com/schollz/progressbar/v3"
)

// newBar returns a bar on w for something of a known size, which shows what is
// counted; if w is no terminal (isTTY) it shows nothing. Clear it before anything
// else is written.
func newBar(w io.Writer, isTTY bool, what string, total int64, options ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(isTTY),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(redraw),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowCount(),
		progressbar.OptionSetDescription(what),
	}, options...)...)
}
