// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
)

// TestOnlineIsRefused says that there is no C code of ranges by image.
func TestOnlineIsRefused(t *testing.T) {
	m := qmodeltest.Ranged(rand.New(rand.NewPCG(1, 2)))
	_, statements, err := Export(m, "net")
	if err == nil || len(statements) == 0 || !strings.Contains(statements[0].Note, "taken from each image") {
		t.Errorf("error %v, statements %+v", err, statements)
	}
}
