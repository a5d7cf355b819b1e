// SPDX-License-Identifier: Apache-2.0

// Package interrupt ends the wait for work that cannot be stopped.
package interrupt

import "context"

// Wait returns what f does, or the error of the context as soon as that is done: a model
// from elsewhere may compute for a minute, and an image from a pipe never come. f goes
// on by itself, so it is to change nothing that must be whole.
func Wait[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := f()
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
