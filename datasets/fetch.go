// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

// FetchOptions say where to download from and to. The zero value is right for most.
type FetchOptions struct {
	Dir      string                  // the set goes into a folder of its name in Dir; "" is the user's cache
	BaseURLs []string                // tried in order instead of the set's own, each without the slash at the end
	Client   *http.Client            // nil is one that gives up when a server falls silent
	Progress func(done, total int64) // called now and then with the bytes of the set that are there; may be nil
}

// Fetch downloads the files of a named set and returns the folder they are in, where Open finds them. A file that is
// there and whole is kept. Others are downloaded beside their place with ".part" added, taken up where an earlier
// download stopped, and take their place once their SHA-256 is the published one; with another digest they are removed.
func Fetch(ctx context.Context, name string, o FetchOptions) (dir string, err error) {
	set := lookup(name)
	switch {
	case set == nil:
		return "", fmt.Errorf("datasets: %s: no such data set; qat data list shows the names", name)
	case len(set.files) == 0:
		return "", fmt.Errorf("datasets: %s is part of the program; there is nothing to fetch", name)
	}
	if dir, err = set.fetch(ctx, o); err != nil {
		return "", fmt.Errorf("datasets: fetch %s: %w", name, err)
	}
	return dir, nil
}

func (n *named) fetch(ctx context.Context, o FetchOptions) (dir string, err error) {
	root := o.Dir
	if root == "" {
		if root = cacheDir(); root == "" {
			return "", errors.New("no folder for caches here; name a folder to fetch to")
		}
	}
	dir = filepath.Join(root, n.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	d := downloader{client: o.Client, progress: o.Progress}
	if d.client == nil {
		d.client = patientClient()
	}
	for _, f := range n.files {
		d.total += f.size
	}
	bases := o.BaseURLs
	if len(bases) == 0 {
		bases = n.mirrors
	}
	for _, f := range n.files {
		if err := d.get(ctx, f, filepath.Join(dir, f.name), bases); err != nil {
			return "", err
		}
		d.before += f.size
	}
	return dir, nil
}

// get brings one file to its path, from the first of the base URLs that has it.
func (d *downloader) get(ctx context.Context, f remoteFile, path string, bases []string) error {
	if err := verify(path, f); err == nil {
		d.report(f.size)
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDigest) {
		return err
	}
	part := path + ".part"
	var failures []error
	for _, base := range bases {
		err := d.download(ctx, base+"/"+f.name, part, f.size)
		if err == nil {
			if err = verify(part, f); err == nil {
				return os.Rename(part, path)
			}
			if errors.Is(err, errDigest) {
				if err := os.Remove(part); err != nil {
					return err
				}
				err = fmt.Errorf("%s: %w; what came was removed, fetch again or from elsewhere", base+"/"+f.name, err)
			}
		}
		if ctx.Err() != nil {
			return err
		}
		failures = append(failures, err)
	}
	return oneLine(failures)
}

// oneLine joins errors with semicolons.
func oneLine(all []error) error {
	err := all[0]
	for _, e := range all[1:] {
		err = fmt.Errorf("%w; %w", err, e)
	}
	return err
}

var errDigest = errors.New("its SHA-256 is not the published one")

// verify returns nil for a file with the published digest, and errDigest for another.
func verify(path string, f remoteFile) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != f.sha256 {
		return errDigest
	}
	return nil
}
