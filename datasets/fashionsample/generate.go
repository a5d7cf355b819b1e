// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Generate writes the embedded data set fashion-sample from the official files of Fashion-MNIST:
//
//	go run ./datasets/fashionsample/generate.go [-data-dir DIR] [-out DIR]
package main

import (
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/goqat/goqat/datasets"
)

func main() {
	log.SetFlags(0)
	dir := flag.String("data-dir", "", "folder with fashion-mnist")
	out := flag.String("out", "datasets/fashionsample", "folder to write to")
	flag.Parse()
	d, err := datasets.Open("fashion-mnist", datasets.Options{Dir: *dir})
	if err != nil {
		log.Fatal(err)
	}
	train, test := firstOfEach(d.Train, 1000), firstOfEach(d.Test, 200)
	const parts = 4
	for i := range parts {
		n := train.Len() / parts
		write(*out, fmt.Sprintf("train-images-%d-idx3-ubyte", i), []int{n, 28, 28}, train.Images[i*n*784:(i+1)*n*784])
	}
	write(*out, "train-labels-idx1-ubyte", []int{train.Len()}, labelBytes(train))
	write(*out, "t10k-images-idx3-ubyte", []int{test.Len(), 28, 28}, test.Images)
	write(*out, "t10k-labels-idx1-ubyte", []int{test.Len()}, labelBytes(test))
}

// firstOfEach keeps the first n images of every class, in their order.
func firstOfEach(s datasets.Split, n int) datasets.Split {
	var positions []int
	seen := map[int32]int{}
	for i, label := range s.Labels {
		if seen[label]++; seen[label] <= n {
			positions = append(positions, i)
		}
	}
	return s.Subset(positions)
}

func labelBytes(s datasets.Split) []byte {
	var b []byte
	for _, label := range s.Labels {
		b = append(b, byte(label))
	}
	return b
}

// write stores an IDX file of bytes as name.gz.
func write(dir, name string, dimensions []int, values []byte) {
	f, err := os.Create(filepath.Join(dir, name+".gz"))
	if err != nil {
		log.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	head := []byte{0, 0, 8, byte(len(dimensions))}
	for _, d := range dimensions {
		head = binary.BigEndian.AppendUint32(head, uint32(d))
	}
	for _, b := range [][]byte{head, values} {
		if _, err := z.Write(b); err != nil {
			log.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}
