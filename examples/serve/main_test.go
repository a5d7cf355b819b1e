// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goqat/goqat/infer"
)

// TestServe runs the program, which ends with the tests.
func TestServe(t *testing.T) {
	pictures := t.TempDir()
	if err := os.CopyFS(pictures, os.DirFS("../embed")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(pictures, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "boot.png")
	if err := os.CopyFS(filepath.Dir(outside), os.DirFS("../embed")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(pictures, "link.png")); err != nil {
		t.Skip(err)
	}
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	os.Args = []string{"serve", address, "../embed/fashion.qmodel", pictures}
	go main()
	for path, want := range map[string]string{
		"/boot.png":         "200 Ankle boot",
		"/trouser.png":      "200 Trouser",
		"/nowhere.png":      "404 404 page not found",
		"/../serve/main.go": "404 404 page not found",
		"/":                 "404 404 page not found",
		"/link.png":         "404 404 page not found",
		"/folder":           "404 404 page not found",
		"/fashion.qmodel":   "415 images: ",
	} {
		if got := get(t, "http://"+address+path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// get returns status and body of an answer, from a server that may be about to start: it is given up after a minute.
func get(t *testing.T, url string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get(url)
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s", answer.StatusCode, strings.TrimSpace(string(body)))
	}
}

// TestServeRefusesOtherMethods: an image is only looked at, by GET and HEAD.
func TestServeRefusesOtherMethods(t *testing.T) {
	model, err := infer.Open("../embed/fashion.qmodel")
	if err != nil {
		t.Fatal(err)
	}
	h := handler(model, os.DirFS("../embed"))
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/boot.png", nil))
		if w.Code != want || want == 405 && w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, allowed %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}
