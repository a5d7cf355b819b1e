// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"fmt"
	"log"

	"github.com/goqat/goqat/datasets"
)

func ExampleOpen() {
	d, err := datasets.Open("fashion-sample", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	mean, deviation, err := datasets.MeanDeviation(d.Train)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d and %d images of %v, mean %.3f, deviation %.3f\n", d.Train.Len(), d.Test.Len(), d.Shape, mean, deviation)
	fmt.Println("the first is an", d.Classes[d.Train.Labels[0]])
	// Output:
	// 10000 and 2000 images of 28x28x1, mean 0.287, deviation 0.354
	// the first is an Ankle boot
}

func ExampleLoader() {
	d, err := datasets.Open("fashion-sample", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	train, validation := d.Train.Holdout(1)
	loader, err := datasets.NewLoader(train, d.Shape, datasets.LoaderOptions{Batch: 128, Seed: 1, Shuffle: true, Augmentation: datasets.Augmentation{Crop: 2, Flip: true}})
	if err != nil {
		log.Fatal(err)
	}
	defer loader.Close()
	seen := 0
	for epoch := range 2 {
		loader.Start(epoch, 0)
		for _, labels, ok := loader.Next(); ok; _, labels, ok = loader.Next() {
			seen += len(labels)
		}
	}
	fmt.Println(loader.Batches(), "batches an epoch,", seen, "images in two,", validation.Len(), "to validate with")
	// Output: 71 batches an epoch, 18000 images in two, 1000 to validate with
}

// Recordings in memory become a data set: their codes are spread over the samples for training.
func ExampleFromSamples() {
	recordings := datasets.Samples{Values: []float32{0, 1, 0, 9, 8, 9, 1, 0, 1, 8, 9, 8}, Labels: []int32{0, 1, 0, 1}}
	d, err := datasets.FromSamples(datasets.Shape{Height: 1, Width: 3, Channels: 1}, []string{"low", "high"}, recordings, recordings, datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Shape, d.Train.Images[:d.Size()], d.Train.Images[d.Size():2*d.Size()])
	// Output:
	// 1x3x1 [0 28 0] [255 227 255]
}

// Images in memory are bytes, pixel by pixel.
func ExampleFromImages() {
	images := datasets.Split{Images: []uint8{0, 1, 2, 3, 250, 251, 252, 253}, Labels: []int32{0, 1}}
	d, err := datasets.FromImages(datasets.Shape{Height: 2, Width: 2, Channels: 1}, []string{"dark", "light"}, images, images, datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Shape, d.Classes[d.Test.Labels[1]], d.Test.Images[d.Size():2*d.Size()])
	// Output:
	// 2x2x1 light [250 251 252 253]
}
