// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package infer

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/amx"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// residual returns a network whose lines have 32 pixels of 16 channels, then 16 of 32, then 8 of 64, with residual connections.
func residual(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 32, 32, 3)
	x := b.Conv(0, qmodeltest.Square(3, 1, 1), 16, 1, 8, 8)
	for channels := 16; channels <= 64; channels *= 2 {
		if channels > 16 {
			x = b.Conv(x, qmodeltest.Square(3, 2, 1), channels, 1, 8, 8)
		}
		x = b.Conv(b.Conv(x, qmodeltest.Square(3, 1, 1), channels, 1, 8, 8), qmodeltest.Square(3, 1, 1), channels, 1, 8, 8, x)
	}
	return b.Finish(b.AvgPool(x, qmodeltest.Square(8, 1, 0), 8), 10)
}

// shared returns a network in which a pooling and a convolution read the same convolution.
func shared(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 28, 28, 1)
	x := b.Conv(0, qmodeltest.Square(5, 1, 2), 32, 1, 8, 8)
	x = b.Conv(x, qmodeltest.Square(2, 2, 0), 32, 1, 8, 8, b.MaxPool(x, qmodeltest.Square(2, 2, 0)))
	return b.Finish(b.AvgPool(x, qmodeltest.Square(14, 1, 0), 8), 10)
}

// signed returns a network whose convolutions read signs of codes, all channels of which have a code whose sign is 1; the codes are
// read again as residuals.
func signed(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 32, 32, 3)
	signs := qmodeltest.Form{WeightBits: 1, CodeBits: 1, Signs: true}
	x := b.Conv(0, qmodeltest.Square(3, 1, 1), 16, 1, 8, 8)
	y := b.ConvForm(b.Sign(x, 1), qmodeltest.Square(3, 1, 1), 16, 1, signs)
	x = b.ConvForm(y, qmodeltest.Square(3, 1, 1), 16, 1, qmodeltest.Form{WeightBits: 1, CodeBits: 8}, x)
	x = b.ConvForm(b.Sign(x, 1), qmodeltest.Square(3, 2, 1), 32, 1, signs)
	x = b.ConvForm(x, qmodeltest.Square(3, 1, 1), 32, 1, qmodeltest.Form{WeightBits: 1, CodeBits: 8})
	for _, o := range b.Model.Operators {
		for c := 0; o.Op == qmodel.Sign && c < len(o.Thresholds.T[0]); c++ {
			o.Thresholds.M[0][c], o.Thresholds.T[0][c] = int64(1-2*rng.IntN(2)), -rng.Int64N(40)
		}
	}
	return b.Finish(b.AvgPool(x, qmodeltest.Square(16, 1, 0), 8), 10)
}

// trained gives a network multipliers as training leads to: of 24 bits, and odd, so that sums have few ties. Those that are negative stay so.
func trained(q *qmodel.Model) *qmodel.Model {
	for _, o := range q.Operators {
		r := o.Requantizer
		if r == nil || q.Tensors[o.Output].Kind != qmodel.Codes {
			continue
		}
		for c, shift := range r.Shift {
			up := 24 - bits.Len64(uint64(max(r.M[0][c], -r.M[0][c], 1)))
			up = max(min(up, 48-int(shift)), 33-int(shift)) // shifts are 33 to 48
			scaled := func(v int64) int64 { return v << max(up, 0) >> max(-up, 0) }
			for _, m := range r.M {
				m[c] = scaled(m[c]) | 1
			}
			r.Bias[c], r.Shift[c] = scaled(r.Bias[c]), uint8(int(shift)+up)
		}
	}
	return q
}

// joinedSteps returns how many operators of a runner are computed by the step of another.
func joinedSteps(r *Runner) (n int) {
	for i, s := range r.flow.steps {
		if s != r.program.apart.steps[i] && s == (nothing{}) {
			n++
		}
	}
	return n
}

// TestTiles runs whole networks, recorded ones among them, with all products of one group by tiles of AMX, in Go where there
// are none, by three threads, and compares the logits with those of portable Go.
func TestTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 61))
	networks := []*qmodel.Model{wide(rng), trained(lenet(rng)), residual(rng), trained(shared(rng)), signed(rng)}
	for _, name := range []string{"tiny-v2", "binary-v2", "ranged-v6"} {
		b, err := os.ReadFile("testdata/" + name + ".qmodel")
		if err != nil {
			t.Fatal(err)
		}
		q, err := qmodel.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		networks = append(networks, q)
	}
	for i, q := range networks {
		const batch = 5
		m, images := newTestModel(t, q), drawImages(rng, q, batch)
		want := make([]int32, batch*len(q.Classes))
		if err := newTestRunner(t, m, Options{Batch: batch, Kernel: "generic"}).Run(want, images); err != nil {
			t.Fatal(err)
		}
		for _, set := range amx.TestSets() {
			r := newTestRunner(t, m, Options{Batch: batch, Kernel: "generic", Threads: 3})
			r.program = compile(q, set)
			r.flow = r.program.joined
			for _, w := range r.team.workers {
				w.scratch, w.tensors = kernel.NewScratch(r.program.needs), r.allocate(batch)
			}
			for _, n := range []int{batch, 1} { // that threads share by images, and by tiles
				got := make([]int32, n*len(q.Classes))
				if err := r.Run(got, images[:n*len(images)/batch]); err != nil || !slices.Equal(got, want[:len(got)]) {
					t.Errorf("network %d, set %s, %d images: %d, want %d (%v)", i, set.Name, n, got, want[:len(got)], err)
				}
			}
			uses := 0
			for _, l := range r.Layers() {
				if strings.HasPrefix(l.Kernel, "amx") {
					uses++
				}
			}
			if i < 5 && uses < 3 {
				t.Errorf("network %d, set %s: %d layers by tiles", i, set.Name, uses)
			}
			if joined, want := joinedSteps(r), map[int]int{1: 2, 4: 2}[i]; joined != want {
				t.Errorf("network %d, set %s: %d operators are joined with others, want %d", i, set.Name, joined, want)
			}
		}
	}
}
