// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// content is what the test server publishes: two files, of which one is longer than a network buffer.
func content() map[string][]byte {
	random := rand.NewChaCha8([32]byte{1})
	files := map[string][]byte{"large.gz": make([]byte, 300000), "small.gz": make([]byte, 100)}
	for _, name := range []string{"large.gz", "small.gz"} {
		_, _ = random.Read(files[name]) // it never fails
	}
	return files
}

func testSet(files map[string][]byte) *named {
	n := &named{name: "test"}
	for _, name := range []string{"large.gz", "small.gz"} {
		digest := sha256.Sum256(files[name])
		n.files = append(n.files, remoteFile{name, hex.EncodeToString(digest[:]), int64(len(files[name]))})
	}
	return n
}

// A server publishes files, and misbehaves as told. It notes the requests.
type server struct {
	files     map[string][]byte
	cuts      int  // so many answers for large.gz end after half of what they promise
	noRange   bool // Range is ignored
	noLength  bool // the length is not told
	hangs     bool // after half of large.gz nothing more comes
	requested []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	s.requested = append(s.requested, strings.TrimSpace(name+" "+r.Header.Get("Range")))
	data, ok := s.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if s.noRange {
		r.Header.Del("Range")
	}
	if s.noLength {
		w.(http.Flusher).Flush()
		_, _ = w.Write(data)
		return
	}
	if name == "large.gz" && s.hangs {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	if name == "large.gz" && s.cuts > 0 {
		s.cuts--
		w = &cutWriter{w, 100000}
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}

// A cutWriter breaks the connection off after left bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) >= c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func serve(t *testing.T, s *server) string {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}

func checkFetched(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(parts) != 0 {
		t.Errorf("left behind: %v", parts)
	}
}

func TestFetch(t *testing.T) {
	files := content()
	for name, c := range map[string]struct {
		server   server
		part     []byte // what an earlier download left of large.gz
		requests []string
	}{
		"in one go":   {server{}, nil, []string{"large.gz", "small.gz"}},
		"interrupted": {server{cuts: 2}, nil, []string{"large.gz", "large.gz bytes=100000-", "large.gz bytes=200000-", "small.gz"}},
		"resumed":     {server{}, files["large.gz"][:1234], []string{"large.gz bytes=1234-", "small.gz"}},
		"resumed where the server ignores ranges": {server{noRange: true}, files["large.gz"][:1234], []string{"large.gz bytes=1234-", "small.gz"}},
		"no length told":                        {server{noLength: true}, nil, []string{"large.gz", "small.gz"}},
		"only the renaming left":                {server{}, files["large.gz"], []string{"small.gz"}},
		"more there than was published":         {server{}, append(bytes.Clone(files["large.gz"]), 0), []string{"large.gz", "small.gz"}},
		"interrupted, and then without a range": {server{cuts: 1, noRange: true}, nil, []string{"large.gz", "large.gz bytes=100000-", "small.gz"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if c.part != nil {
				writeFile(t, filepath.Join(root, "test", "large.gz.part"), c.part)
			}
			s := &c.server
			s.files = files
			var last, total int64
			o := FetchOptions{Dir: root, BaseURLs: []string{serve(t, s)}, Progress: func(d, n int64) { last, total = d, n }}
			dir, err := testSet(files).fetch(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if dir != filepath.Join(root, "test") {
				t.Errorf("fetched to %s", dir)
			}
			checkFetched(t, dir, files)
			if last != 300100 || total != 300100 {
				t.Errorf("progress ends at %d of %d", last, total)
			}
			if !slices.Equal(s.requested, c.requests) {
				t.Errorf("requests %q, not %q", s.requested, c.requests)
			}
			s.requested = nil
			if _, err := testSet(files).fetch(t.Context(), o); err != nil || s.requested != nil {
				t.Errorf("fetched again: %v, requests %q", err, s.requested)
			}
		})
	}
}

func TestFetchWrongDigest(t *testing.T) {
	files := content()
	wrong := map[string][]byte{"large.gz": bytes.Clone(files["large.gz"]), "small.gz": files["small.gz"]}
	wrong["large.gz"][7] ^= 1
	root := t.TempDir()
	large := filepath.Join(root, "test", "large.gz")
	bad, good := serve(t, &server{files: wrong}), serve(t, &server{files: files})

	_, err := testSet(files).fetch(t.Context(), FetchOptions{Dir: root, BaseURLs: []string{bad}})
	if !errors.Is(err, errDigest) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %v", err)
	}
	if isFile(large) || isFile(large+".part") {
		t.Error("the wrong file was left behind")
	}
	writeFile(t, large, wrong["large.gz"])
	dir, err := testSet(files).fetch(t.Context(), FetchOptions{Dir: root, BaseURLs: []string{bad, good}})
	if err != nil {
		t.Fatal(err)
	}
	checkFetched(t, dir, files)
}

// An interrupted fetch leaves what came, and the next one takes it up.
func TestFetchCancelled(t *testing.T) {
	files := content()
	s := &server{files: files, hangs: true}
	o := FetchOptions{Dir: t.TempDir(), BaseURLs: []string{serve(t, s)}}
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(done, _ int64) {
		if done > 1000 {
			cancel()
		}
	}
	_, err := testSet(files).fetch(ctx, o)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	info, err := os.Stat(filepath.Join(o.Dir, "test", "large.gz.part"))
	if err != nil || info.Size() == 0 || info.Size() > 150000 {
		t.Fatalf("half was sent, kept: %v, %v", info, err)
	}
	o.Progress = nil
	o.BaseURLs = []string{serve(t, &server{files: files})}
	dir, err := testSet(files).fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	checkFetched(t, dir, files)
}

func TestFetchRefuses(t *testing.T) {
	files := content()
	longer := map[string][]byte{"large.gz": append(bytes.Clone(files["large.gz"]), 1)}
	page := map[string][]byte{"large.gz": []byte("<html>log in first</html>")}
	for name, c := range map[string]struct {
		server *server
		want   string
	}{
		"no such file":           {&server{}, "404"},
		"longer":                 {&server{files: longer}, "300001 bytes, not the 300000 published"},
		"longer, untold":         {&server{files: longer, noLength: true}, "not the 300000 bytes published"},
		"another page":           {&server{files: page}, "25 bytes, not"},
		"another page, untold":   {&server{files: page, noLength: true}, "not the 300000 bytes published"},
		"interrupted ever again": {&server{files: files, cuts: 100, noRange: true}, "100000 of 300000 bytes are there, fetch again to go on"},
	} {
		root := t.TempDir()
		_, err := testSet(files).fetch(t.Context(), FetchOptions{Dir: root, BaseURLs: []string{serve(t, c.server)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
		if isFile(filepath.Join(root, "test", "large.gz")) {
			t.Errorf("%s: a file in its place", name)
		}
		if info, err := os.Stat(filepath.Join(root, "test", "large.gz.part")); err == nil && info.Size() > 0 && c.server.cuts == 0 {
			t.Errorf("%s: %d bytes are kept", name, info.Size())
		}
	}
	for _, name := range []string{"nonsense", "fashion-sample"} {
		if _, err := Fetch(t.Context(), name, FetchOptions{Dir: t.TempDir()}); err == nil {
			t.Errorf("%s: fetched", name)
		}
	}
}

// The error of every server is told, on one line.
func TestFetchTellsEveryServer(t *testing.T) {
	one, two := serve(t, &server{}), serve(t, &server{})
	_, err := Fetch(t.Context(), "mnist", FetchOptions{Dir: t.TempDir(), BaseURLs: []string{one, two}})
	if err == nil || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %v", err)
	}
}
