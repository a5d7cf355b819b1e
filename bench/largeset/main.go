// SPDX-License-Identifier: Apache-2.0

// Command largeset writes the photographs that docs/performance.md measures large sets with, and compares training
// steps on images in the cache with steps on the same images in memory.
//
//	go run ./bench/largeset write FOLDER COUNT    JPEG files of 512x512 in two folders
//	go run ./bench/largeset steps FOLDER          of a network at 256x256
package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

func main() {
	log.SetFlags(0)
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "write":
		var n int
		if n, err = strconv.Atoi(args[2]); err == nil {
			err = write(args[1], n)
		}
	case len(args) == 2 && args[0] == "steps":
		err = steps(args[1])
	default:
		log.Fatal("usage: largeset write FOLDER COUNT | largeset steps FOLDER")
	}
	if err != nil {
		log.Fatal("largeset: ", err)
	}
}

const side = 512 // of a photograph

// distinct is how many photographs differ in their pixels. The others repeat them, with a number after the end of the
// image, so that no two files are equal.
const distinct = 400

// write writes n photographs by all processors.
func write(dir string, n int) error {
	for _, class := range classes {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			return err
		}
	}
	errs := make([]error, runtime.GOMAXPROCS(0))
	var writers sync.WaitGroup
	for w := range errs {
		writers.Go(func() {
			for i := w; i < distinct && errs[w] == nil; i += len(errs) {
				errs[w] = save(dir, i, n)
			}
		})
	}
	writers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var classes = [2]string{"rings", "waves"}

// photograph is a picture of rings about a point or of waves across, in colours and with noise, of which no two are
// equal.
func photograph(i int) image.Image {
	random := rand.New(rand.NewPCG(uint64(i), 1))
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	cx, cy, period := side*random.Float64(), side*random.Float64(), 20+60*random.Float64()
	tint := [3]float64{random.Float64(), random.Float64(), random.Float64()}
	for y := range side {
		for x := range side {
			distance := float64(x) + cx/side*float64(y)
			if i%2 == 0 {
				distance = math.Hypot(float64(x)-cx, float64(y)-cy)
			}
			light := 128 + 90*math.Sin(distance*2*math.Pi/period)
			noise := random.Uint32()
			value := func(channel int) uint8 {
				return uint8(min(255, max(0, light*(0.5+tint[channel])+float64(noise>>(8*channel)&15))))
			}
			m.SetRGBA(x, y, color.RGBA{value(0), value(1), value(2), 255})
		}
	}
	return m
}

// save writes photograph i and its repetitions, of n in all.
func save(dir string, i, n int) error {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photograph(i), &jpeg.Options{Quality: 85}); err != nil {
		return err
	}
	for k := i; k < n; k += distinct {
		path := filepath.Join(dir, classes[i%2], fmt.Sprintf("%06d.jpg", k))
		if err := os.WriteFile(path, fmt.Append(b.Bytes(), k), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// steps takes steps with batches of the same images from the cache and from memory in turn, and prints the times of
// both.
func steps(dir string) error {
	r := recipe.Default()
	r.Data = recipe.Data{Name: dir, Height: 256, Width: 256, Channels: 3, Augment: r.Data.Augment}
	d, err := pipeline.Data(context.Background(), r, pipeline.Reading{})
	if err != nil {
		return err
	}
	const images = 2048 // in memory they take 384 MiB
	cached := d.Train.Head(images)
	pixels, err := cached.Pixels()
	if err != nil {
		return err
	}
	pool := graph.NewPool(runtime.GOMAXPROCS(0))
	defer pool.Close()
	network, err := pipeline.Build(r, layers.Input{Height: 256, Width: 256, Channels: 3, Params: layers.Normalized(0.5, 0.25)}, d.Classes, pool)
	if err != nil {
		return err
	}
	sources := []struct {
		name  string
		split datasets.Split
		times []time.Duration
	}{{name: "memory", split: datasets.Split{Images: slices.Clone(pixels), Labels: cached.Labels}}, {name: "cache", split: cached}}
	const turns, turn = 8, 8
	for t := range turns {
		for s := range sources {
			times, err := measure(network, sources[s].split, d.Shape, r, t, turn)
			if err != nil {
				return err
			}
			sources[s].times = append(sources[s].times, times...)
		}
	}
	for _, s := range sources {
		slices.Sort(s.times)
		fmt.Printf("%s: %d steps of %d images, median %v, least %v\n", s.name, len(s.times), r.Batch, s.times[len(s.times)/2], s.times[0])
	}
	ratio := func(at func([]time.Duration) time.Duration) float64 {
		return float64(at(sources[1].times)) / float64(at(sources[0].times))
	}
	fmt.Printf("cache/memory: median %.3f, least %.3f\n", ratio(func(t []time.Duration) time.Duration { return t[len(t)/2] }), ratio(func(t []time.Duration) time.Duration { return t[0] }))
	return nil
}

// measure returns the times of so many steps of an epoch, with the wait for their batches.
func measure(n *layers.Network, s datasets.Split, shape datasets.Shape, r *recipe.Recipe, epoch, count int) ([]time.Duration, error) {
	l, err := datasets.NewLoader(s, shape, datasets.LoaderOptions{Batch: r.Batch, Seed: 1, Shuffle: true, Augmentation: datasets.Augmentation{Crop: 8, Flip: true}})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Start(epoch, 0)
	l.Next() // the loader begins to fill
	var times []time.Duration
	for range count {
		start := time.Now()
		images, labels, ok := l.Next()
		if !ok {
			return nil, l.Err()
		}
		if _, err := n.Step(graph.Pass{}, images, labels); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}
