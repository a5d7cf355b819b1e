// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"strings"
	"testing"
)

// A table that is too long is refused: its beginning alone would be another table.
func TestTableOfTooManyBytes(t *testing.T) {
	limit := maxTable
	defer func() { maxTable = limit }()
	maxTable = 1 << 20
	row := "1.5,2.5,3.5\n"
	fits := strings.Repeat(row, int(maxTable)/len(row))
	if table, err := ReadTable(strings.NewReader(fits)); err != nil || table.Rows != int(maxTable)/len(row) {
		t.Fatal(err)
	}
	if _, err := ReadTable(strings.NewReader(fits + row)); err == nil || !strings.Contains(err.Error(), "a table of more than 1 MiB") {
		t.Error(err)
	}
}
