// SPDX-License-Identifier: Apache-2.0

package interrupt_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/goqat/goqat/internal/interrupt"
)

func TestWait(t *testing.T) {
	n, err := interrupt.Wait(t.Context(), func() (int, error) { return 3, io.EOF })
	if n != 3 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	never := make(chan int)
	_, err = interrupt.Wait(ctx, func() (int, error) { stop(); return <-never, nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(never)
}
