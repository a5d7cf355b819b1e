// SPDX-License-Identifier: Apache-2.0

//go:build !js

// Command browser runs a model in a web page: this program builds the page's half, which is infer and images compiled
// to WebAssembly, and serves it. Images do not leave the browser.
//
//	go run ./examples/browser
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed index.html
var page []byte

func main() {
	address := flag.String("address", "localhost:8080", "where to serve; port 0 is a free one")
	model := flag.String("model", "examples/embed/fashion.qmodel", "the model the page starts with")
	image := flag.String("image", "examples/embed/boot.png", "the image the page starts with")
	flag.Parse()
	if err := run(*address, *model, *image); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

func run(address, model, image string) error {
	for _, path := range []string{model, image} {
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := build(dir)
	if err != nil {
		return err
	}
	files["/model"], files["/image"] = model, image

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, handler(files))
}

// handler serves the page and the files by their addresses.
func handler(files map[string]string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })
	for address, path := range files {
		mux.HandleFunc("GET "+address, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	}
	return mux
}

// build compiles the page's half into dir and returns the files of the page.
func build(dir string) (map[string]string, error) {
	wasm := filepath.Join(dir, "goqat.wasm")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", wasm, "github.com/goqat/goqat/examples/browser")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the page's half: %w", err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("finding Go: %w", err)
	}
	loader := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")
	return map[string]string{"/goqat.wasm": wasm, "/wasm_exec.js": loader}, nil
}
