// SPDX-License-Identifier: Apache-2.0

// Command photos writes pictures of boots, bags and trousers into a folder, a
// sub-folder for each class, as the tutorial wants them:
//
//	go run ./examples/photos photos
//
// They are the first of their classes in fashion-sample, as PNG files.
package main

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/goqat/goqat/datasets"
)

// each is how many pictures of a class are written.
const each = 300

// folders are the folders of the classes of fashion-sample that are written.
var folders = map[string]string{"Ankle boot": "boot", "Bag": "bag", "Trouser": "trouser"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: photos FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "photos:", err)
		os.Exit(1)
	}
}

// write writes the pictures below dir.
func write(dir string) error {
	data, err := datasets.Open("fashion-sample", datasets.Options{})
	if err != nil {
		return err
	}
	size := image.Rect(0, 0, data.Width, data.Height)
	written := map[string]int{}
	for i, label := range data.Train.Labels {
		folder := folders[data.Classes[label]]
		if folder == "" || written[folder] == each {
			continue
		}
		written[folder]++
		pixels, err := data.Train.Image(i)
		if err != nil {
			return err
		}
		picture := &image.Gray{Pix: pixels, Stride: size.Dx(), Rect: size}
		if err := save(filepath.Join(dir, folder, fmt.Sprintf("%03d.png", written[folder])), picture); err != nil {
			return err
		}
	}
	return nil
}

// save writes a picture as a PNG file, in a folder that it makes.
func save(path string, picture image.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, picture); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
