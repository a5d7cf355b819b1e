// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/parquet"
)

const parquetExtension = ".parquet"

// openParquet reads Parquet files as Hugging Face's library datasets writes them
// (https://huggingface.co/docs/hub/datasets-image), whose paths are relative to a folder: a column of images, each a
// structure of bytes and a path, and one of labels, whose names are in the metadata of the file. The name of a file, or
// else of its folder, says which part it is of: data/test-00000-of-00001.parquet.
func openParquet(ctx context.Context, source, dir string, names []string, o Options) (*Dataset, error) {
	if err := oneSet(names); err != nil {
		return nil, err
	}
	shards := make([]*rowsOfImages, len(names))
	var classes []string
	rows := int64(0)
	for i, name := range names {
		file, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if shards[i], err = newRowsOfImages(file, name); err != nil {
			return nil, within(source, name, err)
		}
		if rows += shards[i].file.Rows; rows > maxEntries {
			return nil, fmt.Errorf("more than %d rows; divide the set", maxEntries)
		}
		if i == 0 {
			classes = shards[i].classes
		} else if !slices.Equal(classes, shards[i].classes) {
			return nil, fmt.Errorf("%s and %s have other names of classes; read them on their own", printed(names[0]), printed(name))
		}
	}
	if others := shards[0].others; len(others) > 0 {
		o.note(fmt.Sprintf("labels are those of column %s; not read: %s", shards[0].file.Columns[shards[0].label].Name(), listed(others)))
	}
	return openTagged(ctx, source, func(visit func(found) error) error {
		for i, s := range shards {
			if err := s.visit(visit); err != nil {
				return within(source, names[i], err)
			}
		}
		return nil
	}, classes, o)
}

// oneSet wants files of one set: in one folder, or in folders of parts.
func oneSet(names []string) error {
	var folders []string
	for _, name := range names {
		elements := slices.DeleteFunc(strings.Split(path.Dir(name), "/"), func(s string) bool { return part(s) != "" || s == "." })
		folders = append(folders, strings.Join(elements, "/"))
	}
	slices.Sort(folders)
	if folders = slices.Compact(folders); len(folders) > 1 {
		return fmt.Errorf("%d folders hold Parquet files, %s; name the one that is wanted", len(folders), listed(folders))
	}
	return nil
}

// partOfParquet tells the part by the name of a file, else by that of the nearest folder that says it.
func partOfParquet(name string) string {
	for name != "." {
		if p := partOfShard(path.Base(name)); p != "" {
			return p
		}
		name = path.Dir(name)
	}
	return ""
}

// rowsOfImages are the labelled images of a Parquet file.
type rowsOfImages struct {
	name    string
	part    string
	stamp   stamp // of the file
	file    *parquet.File
	label   int      // columns; path is -1 where there is none
	bytes   int      // of the images
	path    int      // of their files before
	classes []string // names of labels, nil where they are numbers or names themselves
	others  []string // columns that look as if they were labels, too
}

// within returns an error of a file of a source, which names the source by itself: the file is named where it is
// another.
func within(source, name string, err error) error {
	if filepath.Base(source) == name {
		return err
	}
	return fmt.Errorf("%s: %w", printed(name), err)
}

func newRowsOfImages(f *os.File, name string) (*rowsOfImages, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	p, err := parquet.Open(f, info.Size())
	if err != nil {
		return nil, err
	}
	s := &rowsOfImages{name: name, part: partOfParquet(name), stamp: stamp{info.Size(), info.ModTime().UnixNano()}, file: p, bytes: -1, path: -1, label: -1}
	return s, s.find()
}

// features are those that Hugging Face notes of columns, by name, see the class Features of its library datasets.
type features map[string]struct {
	Type  string `json:"_type"`
	Names []string
}

// find finds the columns of images and of labels.
func (s *rowsOfImages) find() error {
	var noted struct {
		Info struct{ Features json.RawMessage }
	}
	known := features{}
	if text, ok := s.file.Metadata["huggingface"]; ok {
		if err := json.Unmarshal([]byte(text), &noted); err != nil {
			return fmt.Errorf("what is noted of its columns for Hugging Face is damaged: %w", err)
		}
		var each map[string]json.RawMessage
		_ = json.Unmarshal(noted.Info.Features, &each) // none, or features of another form
		for name, text := range each {
			f := known[name]
			if json.Unmarshal(text, &f) == nil { // a column of lists is written as a list
				known[name] = f
			}
		}
	}
	var images, labels []int
	for i, c := range s.file.Columns {
		of := known[c.Path[0]].Type
		switch {
		case len(c.Path) == 2 && c.Path[1] == "bytes" && c.Kind == parquet.Bytes && (of == "Image" || of == ""):
			images = append(images, i)
		case len(c.Path) == 1 && c.Kind != parquet.Other && (of == "ClassLabel" || slices.Contains(labelColumns, strings.ToLower(c.Path[0]))):
			labels = append(labels, i)
		}
	}
	switch {
	case len(images) != 1:
		return fmt.Errorf("%d columns of images {bytes, path}, want one; its columns are %s", len(images), listed(s.names()))
	case len(labels) == 0:
		return fmt.Errorf("no column of labels; call it label; its columns are %s", listed(s.names()))
	}
	s.bytes = images[0]
	s.path = slices.IndexFunc(s.file.Columns, func(c parquet.Column) bool {
		return c.Kind == parquet.Bytes && slices.Equal(c.Path, []string{s.file.Columns[s.bytes].Path[0], "path"})
	})
	s.label = s.choose(labels)
	return s.named(known[s.file.Columns[s.label].Path[0]].Names)
}

// choose takes the column called label, else the first one of labels.
func (s *rowsOfImages) choose(labels []int) int {
	at := max(0, slices.IndexFunc(labels, func(i int) bool { return s.file.Columns[i].Path[0] == labelColumns[0] }))
	for i, label := range labels {
		if i != at {
			s.others = append(s.others, s.file.Columns[label].Name())
		}
	}
	return labels[at]
}

// named keeps the names of the labels.
func (s *rowsOfImages) named(names []string) error {
	for i, name := range names {
		if name == "" || !printable(name) {
			return fmt.Errorf("the name of class %d, %.40q, cannot be printed", i, name)
		}
	}
	if len(distinct(names)) != len(names) {
		return errors.New("two classes of one name")
	}
	s.classes = names
	return nil
}

func (s *rowsOfImages) names() []string {
	var names []string
	for _, c := range s.file.Columns {
		names = append(names, c.Name())
	}
	return names
}

// visit calls visit with the image of each row.
func (s *rowsOfImages) visit(visit func(found) error) error {
	first := int64(0)
	for g := range s.file.Groups {
		rows, err := s.labels(g, first)
		if err != nil {
			return err
		}
		err = s.file.Read(g, s.bytes, func(row int64, v parquet.Value) error {
			f := rows[row]
			f.Reader = bytes.NewReader(v.Bytes)
			f.stamp.size = int64(len(v.Bytes))
			if len(v.Bytes) == 0 {
				f.Reader = failing{errors.New("a row without the bytes of its image")}
			}
			return visit(f)
		})
		if err != nil {
			return err
		}
		first += int64(len(rows))
	}
	return nil
}

// failing is a file that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// labels are the rows of a group, whose first has a number in the file, with their labels and without their images.
func (s *rowsOfImages) labels(group int, first int64) ([]found, error) {
	var rows []found
	err := s.file.Read(group, s.label, func(row int64, v parquet.Value) error {
		f := found{kind: regular, image: true, name: fmt.Sprintf("%s/row %d", s.name, first+row), stamp: s.stamp}
		class, err := s.class(v)
		if err != nil {
			return fmt.Errorf("row %d: %w", first+row, err)
		}
		if class != "" {
			f.tag = tag{s.part, class}
		}
		rows = append(rows, f)
		return nil
	})
	if err != nil || s.path < 0 {
		return rows, err
	}
	return rows, s.file.Read(group, s.path, func(row int64, v parquet.Value) error {
		const long = 100
		if base := path.Base(string(v.Bytes)); !v.Missing && printable(base) && base != "." && base != "/" && len(base) <= long {
			rows[row].name += " (" + base + ")"
		}
		return nil
	})
}

// class is the name of a label, "" of one that says that there is none.
func (s *rowsOfImages) class(v parquet.Value) (string, error) {
	if s.file.Columns[s.label].Kind == parquet.Bytes {
		name := string(v.Bytes)
		if len(name) > maxPath || !printable(name) {
			return "", fmt.Errorf("label %.40q cannot be printed", name)
		}
		return name, nil
	}
	switch {
	case v.Missing, v.Int == -1:
		return "", nil
	case s.classes == nil:
		return strconv.FormatInt(v.Int, 10), nil
	case v.Int < 0 || v.Int >= int64(len(s.classes)):
		return "", fmt.Errorf("label %d of %d classes", v.Int, len(s.classes))
	}
	return s.classes[v.Int], nil
}
