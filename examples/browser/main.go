// SPDX-License-Identifier: Apache-2.0

//go:build !js

// Command browser runs a model in a web page: this program builds the page's half, which is infer and images compiled
// to WebAssembly, and serves it. Images do not leave the browser.
//
//	go run ./examples/browser
package main

import (
	"compress/gzip"
	_ "embed"
	"errors"
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
	dir := flag.String("dir", "", "leave the files of the page in this folder, for another server, and serve nothing")
	model := flag.String("model", "examples/embed/fashion.qmodel", "the model the page starts with")
	image := flag.String("image", "examples/embed/boot.png", "the image the page starts with")
	flag.Parse()
	var err error
	if *dir != "" {
		err = build(*dir, *model, *image)
	} else {
		err = serve(*address, *model, *image)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

// serve builds the page and serves it.
func serve(address, model, image string) error {
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(dir, model, image); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, http.FileServer(http.Dir(dir)))
}

// build puts all files of the page in dir.
func build(dir, model, image string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("finding Go: %w", err)
	}
	for name, from := range map[string]string{
		"model": model, "image": image,
		"wasm_exec.js": filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"),
	} {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	wasm := filepath.Join(dir, "goqat.wasm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", wasm, "github.com/goqat/goqat/examples/browser")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the page's half: %w", err)
	}
	if err := compress(wasm); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "index.html"), page, 0o644)
}

// compress replaces a file by one that is compressed, .gz appended to its name.
func compress(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.Create(path + ".gz")
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(content)
		err = errors.Join(err, z.Close())
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}
