// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/shell"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// advice has, for what packages advise in an error, the flag that does it. They know no flags.
var advice = []struct {
	err         error
	flag, value string
}{
	{datasets.ErrBroken, "skip-broken", ""},
	{datasets.ErrNotFound, "data", ""},
	{datasets.ErrTooLarge, "set", " data.height=64 --set data.width=64"},
	{evaluate.ErrNoData, "data", ""},
	{infer.ErrWork, "work", ""},
	{pipeline.ErrChanges, "accept-changes", ""},
	{pipeline.ErrOtherClasses, "set", " transfer.head=new"},
}

// flags returns by which flag of a verb, or by which command, what an error advises is done: it ends the line.
func flags(verb *cobra.Command, err error) string {
	for _, a := range advice {
		if errors.Is(err, a.err) && verb.Flags().Lookup(a.flag) != nil {
			return " (--" + a.flag + a.value + ")"
		}
	}
	var saved *pipeline.Interrupted
	var resumable *pipeline.ResumableError
	folder := ""
	switch {
	case errors.As(err, &saved):
		folder = saved.Folder
	case errors.As(err, &resumable):
		folder = resumable.Folder
	default:
		return atPath(err)
	}
	return ": " + verb.Root().Name() + " train --resume " + term.Plain(shell.Word(folder))
}

// atPath says what to do about a file that cannot be opened, where the error advises nothing.
func atPath(err error) string {
	var at *fs.PathError
	switch {
	case !errors.As(err, &at) || strings.Contains(err.Error(), "; "):
	case errors.Is(at, fs.ErrNotExist):
		return "; name one that is there"
	case errors.Is(at, fs.ErrPermission):
		return "; name another, or allow it"
	}
	return ""
}
