// SPDX-License-Identifier: Apache-2.0

package table

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Row is a training that a table wants, once for each seed.
type Row struct {
	Name   string
	Seeds  []int
	Recipe string // its path, as it stands in the list
	Flags  []string
}

// Float is the name of the row that others are compared with.
const Float = "float"

// ReadList reads the rows of a table, one a line: name, seeds divided by commas,
// recipe, flags of qat train. What follows a # is a comment.
func ReadList(path string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	var rows []Row
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 3 {
			return nil, fmt.Errorf("table: %s:%d: %d words; write name, seeds and recipe", path, number, len(words))
		}
		row := Row{Name: words[0], Recipe: words[2], Flags: words[3:]}
		for _, s := range strings.Split(words[1], ",") {
			seed, err := strconv.Atoi(s)
			if err != nil {
				return nil, fmt.Errorf("table: %s:%d: %q is no seed; write seeds as 1,2,3", path, number, s)
			}
			row.Seeds = append(row.Seeds, seed)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Folder returns the name of the run folder of a row's seed.
func Folder(row string, seed int) string { return fmt.Sprintf("%s-%d", row, seed) }

// rowName returns the row of a run folder of that name.
func rowName(folder string, seed int) string {
	return strings.TrimSuffix(folder, fmt.Sprintf("-%d", seed))
}
