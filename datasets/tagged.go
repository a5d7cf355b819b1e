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
	"unicode"

	"github.com/goqat/goqat/images"
)

// tagLayout puts images into classes and parts by their tags. Images without one are left out; those of other parts
// than the training part are matched with it by the name of their class.
func tagLayout(s *survey, classes []string) (layout, error) {
	var l layout
	for name := range s.shapes {
		if _, tagged := s.tags[name]; !tagged {
			s.left.add("without a label", name)
			delete(s.shapes, name)
			delete(s.faults, name)
		}
	}
	seen := map[string]bool{}
	for _, t := range s.tags {
		if t.trains() {
			seen[t.class] = true
		}
	}
	alone := len(seen) == 0 // a part that is not the training part, without others
	if alone {
		for _, t := range s.tags {
			seen[t.class] = true
		}
	}
	l.classes = orderClasses(seen, classes)
	index := make(map[string]int32, len(l.classes))
	for i, name := range l.classes {
		index[name] = int32(i)
	}
	for _, name := range s.names() {
		t := s.tags[name]
		class, known := index[t.class]
		if !known {
			return l, fmt.Errorf("%s: class %s has no training images; add some", printed(name), printed(t.class))
		}
		into := &l.train
		switch {
		case alone:
		case t.part == partValidation:
			into = &l.validation
		case t.part == partTest:
			into = &l.test
		}
		*into = append(*into, labelled{name, class})
	}
	switch len(l.classes) {
	case 0:
		return l, errors.New("no image has a label")
	case 1:
		return l, fmt.Errorf("all images are of the class %s; two or more classes are needed", printed(l.classes[0]))
	}
	return l, nil
}

// orderClasses are the classes that were seen, in the order of a list, where there is one, else by name, numbers by
// value.
func orderClasses(seen map[string]bool, list []string) []string {
	if list != nil {
		return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !seen[name] })
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	if allNumbers(names) {
		slices.SortStableFunc(names, compareNumbers)
	}
	return names
}

// trains tells whether an image is for training.
func (t tag) trains() bool { return t.part == "" || t.part == partTrain }

// openShards reads WebDataset shards (https://github.com/webdataset/webdataset): tar archives, compressed or not, in
// which the files of a sample, its image and its label in a .cls file, have one name but for the end. The name of a
// shard says which part it is of: train-0000.tar.
func openShards(ctx context.Context, source string, shards []string, o Options) (*Dataset, error) {
	labels := map[string]string{} // by shard and sample
	all := make([]files, len(shards))
	for i, shard := range shards {
		all[i] = shardFiles(shard)
		if err := all[i](func(f found) error { return readLabel(f, labels) }); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(shard), err)
		}
	}
	return openTagged(ctx, source, func(visit func(found) error) error {
		for i, shard := range shards {
			part := partOfShard(filepath.Base(shard))
			err := all[i](func(f found) error {
				if path.Ext(f.name) == labelExtension {
					return nil
				}
				if class, ok := labels[sample(f.name)]; ok {
					f.tag = tag{part, class}
				}
				return visit(f)
			})
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(shard), err)
			}
		}
		return nil
	}, nil, o)
}

const labelExtension = ".cls"

// shardFiles are the files of a shard, under names that begin with that of the shard.
func shardFiles(shard string) files {
	inner := tarFiles(func() (io.ReadCloser, error) { return os.Open(shard) })
	return func(visit func(found) error) error {
		return inner(func(f found) error {
			f.name = filepath.Base(shard) + "/" + f.name
			return visit(f)
		})
	}
}

// sample is the name of the sample that a file of a shard belongs to: the path up to the first dot of its base.
func sample(name string) string {
	dir, base := path.Split(name)
	base, _, _ = strings.Cut(base, ".")
	return dir + base
}

// readLabel keeps the label of a .cls file: a number or a name.
func readLabel(f found, labels map[string]string) error {
	const mostBytes = 1 << 10
	if path.Ext(f.name) != labelExtension || f.kind != regular {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return err
	}
	label := strings.TrimSpace(string(text))
	if len(text) > mostBytes || label == "" || !printable(label) {
		return fmt.Errorf("%s: %.40q is no label; a number or a name", printed(f.name), label)
	}
	if label != "-1" { // no label
		labels[sample(f.name)] = label
	}
	return nil
}

// partOfShard tells the part by the words of a file's name: train-0000.tar, cifar10-test-0001.tar.
func partOfShard(name string) string {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if p := part(word); p != "" {
			return p
		}
	}
	return ""
}

// shardsIn returns the paths of the tar archives right in dir, in order, where they hold samples of WebDataset; else
// none.
func shardsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var shards []string
	for _, e := range entries {
		if IsTar(e.Name()) && !e.IsDir() && !hidden(e.Name()) {
			shards = append(shards, filepath.Join(dir, e.Name()))
		}
	}
	if len(shards) == 0 || !isShard(shards[0]) {
		return nil
	}
	return shards
}

// IsTar tells by its name whether a file is a tar archive, compressed or not.
func IsTar(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

// errFound ends a search.
var errFound = errors.New("found")

// isShard tells whether a tar archive holds labels of WebDataset among its first files.
func isShard(file string) bool {
	const looked = 64
	n := 0
	err := shardFiles(file)(func(f found) error {
		if n++; path.Ext(f.name) == labelExtension {
			return errFound
		}
		if n == looked {
			return io.EOF
		}
		return nil
	})
	return errors.Is(err, errFound)
}

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
			return nil, err
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
