// SPDX-License-Identifier: Apache-2.0

// Command serve classifies the images of a directory: http://localhost:8080/boot.png is answered with the class of
// boot.png.
//
//	go run ./examples/serve localhost:8080 examples/embed/fashion.qmodel examples/embed
package main

import (
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: serve ADDRESS MODEL.qmodel DIRECTORY")
	}
	model, err := infer.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	directory, err := os.OpenRoot(os.Args[3]) // links lead to nothing outside
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		Addr:              os.Args[1],
		Handler:           handler(model, directory.FS()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    1 << 14,
	}
	log.Printf("http://%s/NAME is answered with the class of NAME in %s", os.Args[1], os.Args[3])
	log.Fatal(server.ListenAndServe())
}

// handler answers the path of an image in directory with its class.
func handler(model *infer.Model, directory fs.FS) http.Handler {
	in := model.Input()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		info, err := fs.Stat(directory, name) // a named pipe would wait for ever
		if err != nil || !info.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		file, err := directory.Open(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer file.Close()
		pixels, err := images.Decode(file, in.Height, in.Width, in.Channels) // within limits for strangers' images
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
			return
		}
		class, err := model.Classify(pixels)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, class)
	})
}
