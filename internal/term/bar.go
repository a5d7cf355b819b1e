// SPDX-License-Identifier: Apache-2.0

package term

import (
	"io"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
)

// newBar returns a bar on w for something of a known size, which shows what is
// counted; if w is no terminal (isTTY), or one too narrow, it shows nothing. Clear it before
// anything else is written.
func newBar(w io.Writer, isTTY bool, what string, total int64, options ...progressbar.Option) *progressbar.ProgressBar {
	width, _ := size(w)
	isTTY = isTTY && fits(width, what, " 100% || (100000/100000) [10m0s:10m0s]")
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

// fits says whether a description and the least of a bar are no longer than a line of a
// terminal of so many columns, 0 where nobody knows: a longer line would not be cleared.
func fits(columns int, description, bar string) bool {
	return columns == 0 || utf8.RuneCountInString(description)+len(bar) <= columns
}
