// SPDX-License-Identifier: Apache-2.0

package term

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table writes rows under a header, in columns two spaces apart, numbers and
// percentages to the right, with cells made [Plain]. Every row has as many cells as
// the header.
func (p *Page) Table(header []string, rows [][]string) {
	lines := make([]strings.Builder, 1+len(rows))
	for i := range header {
		column := []string{header[i]}
		for _, row := range rows {
			column = append(column, Plain(row[i]))
		}
		width := 0
		for _, cell := range column {
			width = max(width, utf8.RuneCountInString(cell))
		}
		right := numbers(column[1:])
		for j, cell := range column {
			space := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if right {
				cell = space + cell
			} else {
				cell += space
			}
			lines[j].WriteString(cell + "  ")
		}
	}
	for i := range lines {
		p.write(strings.TrimRight(lines[i].String(), " ") + "\n")
	}
}

// numbers says whether every cell is a number, a percentage, "-" or empty.
func numbers(cells []string) bool {
	for _, cell := range cells {
		if _, err := strconv.ParseFloat(strings.TrimSuffix(cell, " %"), 64); err != nil && cell != "-" && cell != "" {
			return false
		}
	}
	return true
}
