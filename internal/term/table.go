// SPDX-License-Identifier: Apache-2.0

package term

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table writes rows under a header, in columns two spaces apart, numbers and
// percentages to the right, with cells made [Plain]. Every row has as many cells as
// the header. On a terminal that is too narrow the longest cells are shortened.
func (p *Page) Table(header []string, rows [][]string) {
	columns, widths := make([][]string, len(header)), make([]int, len(header))
	for i := range header {
		columns[i] = []string{header[i]}
		for _, row := range rows {
			columns[i] = append(columns[i], Plain(row[i]))
		}
		for _, cell := range columns[i] {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if p.Width > 0 {
		narrow(widths, p.Width-len(gap)*(len(widths)-1))
	}
	lines := make([]strings.Builder, 1+len(rows))
	for i, column := range columns {
		right := numbers(column[1:])
		for j, cell := range column {
			cell = shortened(cell, widths[i])
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right {
				cell = space + cell
			} else {
				cell += space
			}
			lines[j].WriteString(cell + gap)
		}
	}
	for i := range lines {
		p.write(strings.TrimRight(lines[i].String(), " ") + "\n")
	}
}

const (
	gap   = "  " // between columns
	least = 12   // the width to which columns are narrowed at most
)

// narrow takes from the widest columns until they are as wide as there is room.
func narrow(widths []int, room int) {
	over := -room
	for _, w := range widths {
		over += w
	}
	for ; over > 0; over-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}

// shortened is a cell without its middle where it is wider than the column.
func shortened(cell string, width int) string {
	runes := []rune(cell)
	if len(runes) <= width {
		return cell
	}
	return string(runes[:width/2]) + "…" + string(runes[len(runes)-(width-1-width/2):])
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
