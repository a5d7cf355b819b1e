// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
)

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
