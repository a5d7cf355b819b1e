// SPDX-License-Identifier: Apache-2.0

// Command serve classifies the images of a directory: http://localhost:8080/boot.png is answered with the class of
// boot.png.
//
//	go run ./examples/serve localhost:8080 examples/embed/fashion.qmodel examples/embed
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"strings"

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
	in, directory := model.Input(), os.DirFS(os.Args[3])
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := fs.ReadFile(directory, strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		pixels, err := images.Decode(bytes.NewReader(file), in.Height, in.Width, in.Channels)
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
	})))
}
