// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/goqat/goqat/qat"

	"github.com/goqat/goqat/diagnose"
)

// folder is that of the training which all tests look at, and ctx its context.
var (
	folder string
	ctx    = context.Background()
)

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "diagnose"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// quantizer returns the quantizer of a tensor.
func quantizer(s diagnose.Subject, name string) qat.Ranged {
	return unit(s, name).Output.Quantizer.(qat.Ranged)
}
