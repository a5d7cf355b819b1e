// SPDX-License-Identifier: Apache-2.0

// Command beam classifies the images of a folder in a pipeline of Apache Beam: each worker opens the model once and runs integers.
//
//	cd examples/beam
//	go run . --model model.qmodel --images 'photos/*.png' --out classes.txt
//
// The flags of Beam choose the runner, by default Prism on this machine, and name the files of a cloud as gs://BUCKET/*.png if the
// file system of that cloud is imported as the local one is below. The folder is a module of its own, since Beam needs seventy
// others; to compile them takes minutes, the first time.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
)

func main() {
	model := flag.String("model", "model.qmodel", "the model, at a path that all workers see")
	images := flag.String("images", "", "pattern of the image files, as in photos/*.png")
	out := flag.String("out", "classes.txt", "file of the answers, a line each")
	flag.Parse()
	beam.Init()
	if *images == "" {
		log.Fatal("beam: name images by --images")
	}
	p, s := beam.NewPipelineWithRoot()
	textio.Write(s, *out, Lines(s, Classify(s, *model, *images)))
	if err := beamx.Run(context.Background(), p); err != nil {
		log.Fatal("beam: ", err)
	}
}
