// SPDX-License-Identifier: Apache-2.0

// Command calibrators quantizes a float checkpoint without training by every calibrator, at
// several bits, with a scale for each channel of the weights and with one for all, and
// prints what the integers make of the test images:
//
//	go run ./examples/calibrators runs/lenet-pact-w4a4/checkpoint-float.safetensors
//
// Beside each accuracy stands the signal-to-noise ratio of the logits over the
// calibration images, by which a calibrator is chosen without labels.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

const batch = 64

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "calibrators:", err)
		os.Exit(1)
	}
}

// table is what is asked for.
type table struct {
	checkpoint string
	repairs    []string
	verified   int // test images whose every tensor is compared
	pool       *graph.Pool
	images     *pipeline.Images
}

func run(ctx context.Context) error {
	data := flag.String("data", "", "data set or folder; default: that of the training")
	bits := flag.String("bits", "8,6,4", "bits of weights and activations")
	rules := flag.String("calibrators", "", "names, divided by commas; default: all")
	repair := flag.String("repair", "", "repairs, divided by commas, or all")
	granularities := flag.String("granularity", "per_channel,per_tensor", "scales of weights")
	images := flag.Int("images", 1024, "calibration images")
	verified := flag.Int("verify", 500, "test images whose every tensor is compared")
	flag.Parse()
	if flag.NArg() != 1 {
		return fmt.Errorf("name one checkpoint of a float network")
	}
	t := &table{checkpoint: flag.Arg(0), verified: *verified, pool: graph.NewPool(runtime.NumCPU())}
	defer t.pool.Close()
	if *repair != "" {
		t.repairs = strings.Split(*repair, ",")
	}
	if *repair == "all" {
		t.repairs = ptq.Repairs()
	}
	if err := t.float(ctx, *data, *images); err != nil {
		return err
	}
	names := strings.Split(*rules, ",")
	if *rules == "" {
		names = names[:0]
		for _, r := range calibrate.Rules() {
			names = append(names, r.Name)
		}
	}
	for _, granularity := range strings.Split(*granularities, ",") {
		for b := range strings.SplitSeq(*bits, ",") {
			n, err := strconv.Atoi(b)
			if err != nil {
				return fmt.Errorf("bits %q: %w", b, err)
			}
			for _, name := range names {
				if err := t.row(ctx, name, granularity, n); err != nil {
					return fmt.Errorf("%s, %d bits, %s: %w", name, n, granularity, err)
				}
			}
		}
	}
	return nil
}

// float reads the images and prints the accuracy of the float network.
func (t *table) float(ctx context.Context, data string, images int) error {
	r, err := pipeline.OpenFloat(t.checkpoint, recipe.Default().QAT, batch, t.pool)
	if err != nil {
		return err
	}
	if t.images, err = r.Images(ctx, recipe.Data{Name: data}, r.Recipe.Seed, images, pipeline.Reading{}); err != nil {
		return err
	}
	a, err := train.Evaluate(ctx, r.Network, graph.Pass{}, t.images.Test, nil)
	if err != nil {
		return err
	}
	fmt.Printf("float: %.2f %% of %d test images\n\n", 100*a.Accuracy, a.Images)
	fmt.Println("| weights | bits | calibrator | accuracy | signal to noise | integers that differ |\n|---|---|---|---|---|---|")
	return nil
}

// row quantizes, runs and verifies.
func (t *table) row(ctx context.Context, calibrator, granularity string, bits int) error {
	q := recipe.Default().QAT
	q.Method, q.WeightBits, q.ActivationBits, q.Granularity = "int", bits, bits, granularity
	q.All.Int = settings.Int{FixedRanges: true}
	r, err := pipeline.OpenFloat(t.checkpoint, q, batch, t.pool)
	if err != nil {
		return err
	}
	o, err := ptq.Quantize(ctx, r.Network, t.images.Calibration, ptq.Plan{
		Options: ptq.Options{Rule: calibrator}, Repair: t.repairs,
	})
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := export.Write(&file, r.Network, r.About()); err != nil {
		return err
	}
	m, err := infer.FromBytes(file.Bytes())
	if err != nil {
		return err
	}
	return t.prove(ctx, r, m, o, calibrator, granularity, bits)
}

// prove prints what the integers make of the images.
func (t *table) prove(ctx context.Context, r *pipeline.Restored, m *infer.Model, o *ptq.Outcome, calibrator, granularity string, bits int) error {
	compared := t.images.Test.Head(t.verified)
	p, err := pipeline.Prove(ctx, r.Network, m, t.images.Test, compared, t.pool.Threads(), nil)
	if err != nil {
		return err
	}
	last := o.Steps[len(o.Steps)-1]
	fmt.Printf("| %s | %d | `%s` | %.2f %% | %.1f dB | %d |\n", strings.ReplaceAll(granularity, "_", " "), bits, calibrator,
		100*p.Result.Accuracy, last.SNRdB, p.Verification.IntegerMismatches)
	return nil
}
