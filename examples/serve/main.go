// SPDX-License-Identifier: Apache-2.0

// Command serve classifies the images of a directory: /boot.png is answered with the class of that file.
//
//	go run ./examples/serve examples/embed/fashion.qmodel examples/embed
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/infer"
)

// handler answers a path with the class of the image of that name.
func handler(m *infer.Model, directory http.FileSystem) http.HandlerFunc {
	in, classes := m.Input(), m.Classes()
	return func(w http.ResponseWriter, r *http.Request) {
		file, err := directory.Open(r.URL.Path)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer file.Close()
		runner, err := m.NewRunner(infer.Options{}) // for this goroutine; the weights are the model's
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer runner.Close()
		logits := make([]int32, len(classes))
		pixels, err := images.Decode(file, in.Height, in.Width, in.Channels)
		if err == nil {
			err = runner.Run(logits, pixels)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
			return
		}
		fmt.Fprintln(w, classes[slices.Index(logits, slices.Max(logits))])
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("serve: name a .qmodel and a directory of images")
	}
	m, err := infer.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", handler(m, http.Dir(os.Args[2]))))
}
