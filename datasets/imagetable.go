// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/images"
)

// The names that people give to the columns of a table of images.
var (
	pathColumns  = []string{"path", "image", "file", "filename", "file_name", "image_path", "filepath", "img"}
	labelColumns = []string{"label", "class", "category", "target", "labels"}
	partColumns  = []string{"split", "part", "set", "subset", "fold"}
)

// A tableRow is an image of a table.
type tableRow struct {
	path string
	tag
}

// namesImages tells whether the first row of a CSV file names a column of paths and one of labels: other tables are of
// numbers.
func namesImages(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := csv.NewReader(io.LimitReader(f, 1<<16)).Read()
	if err != nil {
		return false
	}
	head[0] = strings.TrimPrefix(head[0], byteOrderMark)
	return column(head, pathColumns) >= 0 && column(head, labelColumns) >= 0
}

// imageTableIn returns the path of a table that names images, in the folder itself, "" if there is none.
func imageTableIn(dir string) string {
	entries, _ := os.ReadDir(dir) // what cannot be read has no table
	for _, e := range entries {
		if file := filepath.Join(dir, e.Name()); strings.EqualFold(filepath.Ext(file), ".csv") && e.Type().IsRegular() && namesImages(file) {
			return file
		}
	}
	return ""
}

// openImageTable reads a CSV file with a column of paths and one of labels, perhaps one of parts. Paths are relative to
// the folder of the file and never lead out of it, nor do links there.
func openImageTable(ctx context.Context, file string, o Options) (*Dataset, error) {
	rows, err := readImageTable(file)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return openTagged(ctx, file, func(visit func(found) error) error {
		for _, r := range rows {
			of := stamp{}
			info, err := root.Stat(filepath.FromSlash(r.path))
			if err == nil {
				of = stamp{info.Size(), info.ModTime().UnixNano()}
			}
			f := found{kind: regular, name: r.path, stamp: of, tag: r.tag}
			l := &lazyReader{open: func() (io.ReadCloser, error) { return root.Open(filepath.FromSlash(r.path)) }}
			f.Reader = l
			err = visit(f)
			if l.file != nil {
				l.file.Close()
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, nil, o)
}

// byteOrderMark is what spreadsheets write before UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// maxImageTable bounds the bytes of a table of images.
const maxImageTable = 256 << 20

// readImageTable reads the rows of a CSV file.
func readImageTable(file string) ([]tableRow, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxImageTable {
		return nil, cmp.Or(err, fmt.Errorf("a table of more than %d MiB; divide it", maxImageTable>>20))
	}
	in := bufio.NewReader(f)
	if start, _ := in.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		if _, err := in.Discard(len(byteOrderMark)); err != nil {
			return nil, err
		}
	}
	r := csv.NewReader(in)
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("a table without rows: %w", err)
	}
	paths, labels, parts := column(head, pathColumns), column(head, labelColumns), column(head, partColumns)
	if paths < 0 || labels < 0 {
		return nil, fmt.Errorf("a table whose first row is %s; it names the columns: path and label, and split where there are parts", listed(head))
	}
	var rows []tableRow
	at := map[string]tag{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, malformed(err)
		}
		line, _ := r.FieldPos(0)
		row, err := newTableRow(fields, paths, labels, parts)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		before, twice := at[row.path]
		switch {
		case twice && before != row.tag:
			return nil, fmt.Errorf("line %d: %s has another label or part than before; keep one", line, printed(row.path))
		case twice:
			continue
		case len(rows) == maxEntries:
			return nil, fmt.Errorf("more than %d rows; divide the table", maxEntries)
		}
		at[row.path] = row.tag
		rows = append(rows, row)
	}
}

func newTableRow(fields []string, paths, labels, parts int) (tableRow, error) {
	name := path.Clean(strings.ReplaceAll(strings.TrimSpace(fields[paths]), `\`, "/"))
	row := tableRow{path: name, tag: tag{class: strings.TrimSpace(fields[labels])}}
	if !filepath.IsLocal(filepath.FromSlash(name)) || name == "." {
		return row, fmt.Errorf("path %.200q leads out of the folder of the table; name files in it", fields[paths])
	}
	if isImage, _ := images.Named(name); !isImage {
		return row, fmt.Errorf("%s is no image by its name", printed(name))
	}
	if row.class == "" || !printable(row.class) {
		return row, fmt.Errorf("%s: label %.40q; a name that can be printed", printed(name), row.class)
	}
	if parts >= 0 {
		given := strings.TrimSpace(fields[parts])
		if row.part = part(given); row.part == "" {
			return row, fmt.Errorf("%s is of the part %.40q; train, validation or test", printed(name), given)
		}
	}
	return row, nil
}

// column returns the index of a column that has one of the names, or -1.
func column(head, names []string) int {
	return slices.IndexFunc(head, func(name string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(name))) })
}
