// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

func newTestModel(t testing.TB, q *qmodel.Model) *Model {
	t.Helper()
	m, err := New(q)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newTestRunner(t testing.TB, m *Model, o Options) *Runner {
	t.Helper()
	r, err := m.NewRunner(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// drawImages returns random images; some have only the extreme codes.
func drawImages(rng *rand.Rand, m *qmodel.Model, n int) []uint8 {
	images := make([]uint8, n*m.Tensors[0].Len())
	extreme := rng.IntN(4) == 0
	for i := range images {
		images[i] = uint8(rng.Uint32())
		if extreme {
			images[i] = uint8(-(images[i] & 1))
		}
	}
	return images
}

// drawModel returns a random network of a random shape: convolutions of all kinds, paddings and strides, residual
// connections, pools, of all bits.
func drawModel(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 1+rng.IntN(9), 1+rng.IntN(9), []int{1, 3, 1 + rng.IntN(20)}[rng.IntN(3)])
	if rng.IntN(4) == 0 {
		b.Channelwise()
	}
	x, skip := 0, 0
	for range 1 + rng.IntN(6) {
		t := b.Model.Tensors[x]
		codeBits := 1 + rng.IntN(8)
		kind := rng.IntN(11)
		if t.Signs && kind < 3 || t.Signs && kind == 9 { // read by weighted operators and those that keep codes alone
			kind = 4
		}
		if t.ZeroPoints != nil && kind != 0 { // read by these and flattening alone
			kind = 4
		}
		switch kind {
		case 0:
			w := qmodeltest.Window{Kernel: [2]int{1 + rng.IntN(min(3, t.Height)), 1 + rng.IntN(min(3, t.Width))}, Stride: [2]int{1 + rng.IntN(3), 1 + rng.IntN(3)}}
			average, pad := rng.IntN(2) == 0 && t.ZeroPoints == nil, rng.IntN(2) == 0
			for d := range w.Pad {
				if pad || !average {
					w.Pad[d] = rng.IntN(w.Kernel[d%2])
				}
			}
			if average {
				x = b.AvgPool(x, w, codeBits)
				break
			}
			x = b.MaxPool(x, w)
		case 1:
			switch rng.IntN(3) {
			case 0:
				x = b.Table(x, codeBits)
			case 1:
				x = b.Tables(x, codeBits)
			default:
				x = b.Add(codeBits, x)
			}
		case 9: // a product by value, or by channel
			y := b.Conv(x, qmodeltest.Square(1, 1, 0), t.Channels, 1, 1+rng.IntN(8), 1+rng.IntN(8))
			if rng.IntN(2) == 0 {
				y = b.AvgPool(y, qmodeltest.Window{Kernel: [2]int{t.Height, t.Width}, Stride: [2]int{1, 1}}, 1+rng.IntN(8))
			}
			x = b.Multiply(codeBits, x, y)
		case 10:
			if first := rng.IntN(t.Channels); rng.IntN(2) == 0 {
				x = b.Select(x, first, 1+rng.IntN(t.Channels-first))
			} else {
				x = b.Upsample(x, [2]int{1 + rng.IntN(2), 1 + rng.IntN(3)})
			}
		case 3: // two branches of one size
			y := b.Conv(x, qmodeltest.Square(3, 1, 1), 1+rng.IntN(9), 1, 1+rng.IntN(8), 1+rng.IntN(8))
			z := b.Conv(x, qmodeltest.Square(1, 1, 0), 1+rng.IntN(9), 1, 1+rng.IntN(8), 1+rng.IntN(8))
			inputs := []int{y, z, y}
			if !t.Signs {
				inputs[2] = x
			}
			x = b.Concat(codeBits, inputs...)
		case 2: // a residual block around a convolution of the same shape
			skip = x
			y := b.Conv(x, qmodeltest.Square(1, 1, 0), t.Channels, 1, 1+rng.IntN(8), 0)
			x = b.Conv(x, qmodeltest.Square(3, 1, 1), t.Channels, 1, 1+rng.IntN(8), codeBits, []int{skip, y}[:rng.IntN(3)]...)
			x = b.Add(1+rng.IntN(8), x, skip, y)
		default:
			w := qmodeltest.Window{Stride: [2]int{1 + rng.IntN(3), 1 + rng.IntN(3)}}
			for d := range 2 {
				w.Kernel[d] = 1 + rng.IntN(5)
				w.Pad[d], w.Pad[d+2] = rng.IntN(w.Kernel[d]), rng.IntN(w.Kernel[d])
				if size := []int{t.Height, t.Width}[d]; size+w.Pad[d]+w.Pad[d+2] < w.Kernel[d] {
					w.Kernel[d], w.Pad[d], w.Pad[d+2] = 1, 0, 0
				}
			}
			if rng.IntN(3) == 0 {
				dilate(rng, &w, &t)
			}
			channels, groups := 1+rng.IntN(40), 1
			if rng.IntN(3) == 0 {
				groups = t.Channels
				channels = groups * (1 + rng.IntN(2))
			}
			x = b.ConvForm(x, w, channels, groups, drawForm(rng, codeBits))
			if !b.Model.Tensors[x].Signs && rng.IntN(4) == 0 {
				x = b.Sign(x, 1+rng.IntN(3))
			}
		}
		if b.Model.Tensors[x].Len() > 1<<12 {
			x = b.MaxPool(x, qmodeltest.Window{Kernel: [2]int{1, 1}, Stride: [2]int{2, 2}})
		}
	}
	return b.Finish(x, 1+rng.IntN(12))
}

// dilate puts taps of a convolution apart, as far as the tensor allows it.
func dilate(rng *rand.Rand, w *qmodeltest.Window, t *qmodel.Tensor) {
	for d, size := range []int{t.Height, t.Width} {
		w.Dilation[d] = 1
		if room := size + w.Pad[d] + w.Pad[d+2]; w.Kernel[d] > 1 {
			w.Dilation[d] = 1 + rng.IntN(min(4, (room-1)/(w.Kernel[d]-1)))
		}
	}
	if w.Dilation == [2]int{1, 1} {
		w.Dilation = [2]int{}
	}
}

// drawForm returns weights of any coding, and codes or signs as output.
func drawForm(rng *rand.Rand, codeBits int) qmodeltest.Form {
	f := qmodeltest.Form{WeightBits: 1 + rng.IntN(8), CodeBits: codeBits}
	switch rng.IntN(6) {
	case 0:
		f.WeightBits, f.Coding = 2+rng.IntN(7), qmodel.Odd
	case 1:
		f.WeightBits, f.Coding = 2+rng.IntN(4), qmodel.Powers
	case 2:
		f.WeightBits, f.Coding = 2+rng.IntN(7), qmodel.Split
	case 3:
		f.WeightBits, f.Planes = 1, 2+rng.IntN(2)
	}
	if rng.IntN(3) == 0 {
		f.Signs, f.CodeBits = true, 1+rng.IntN(3)
	}
	return f
}

// TestEveryTensorEqualsItsDefinition runs random models with every kernel, on batches and threads, and compares every
// number of every tensor with the definition.
func TestEveryTensorEqualsItsDefinition(t *testing.T) {
	models := 150
	if testing.Short() {
		models = 30
	}
	for seed := range models {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		q := drawModel(rng)
		switch seed {
		case 0:
			q = qmodeltest.Tiny(rng)
		case 1, 2, 3, 4:
			q = qmodeltest.Binary(rng)
		case 5, 6, 7, 8, 9, 10, 11, 12:
			q = qmodeltest.Ranged(rng)
		case 13, 14, 15:
			q = qmodeltest.Dense(rng)
		}
		const most = 3
		images := drawImages(rng, q, most)
		size := q.Tensors[0].Len()
		want := make([][]int64, len(q.Tensors)) // of all images
		for n := range most {
			for i, v := range evaluate(q, images[n*size:(n+1)*size]) {
				want[i] = append(want[i], v...)
			}
		}
		m := newTestModel(t, q)
		for _, name := range Kernels() {
			for _, threads := range []int{1, 3} {
				seen, n := 0, 0
				r := newTestRunner(t, m, Options{Batch: most, Threads: threads, Kernel: name, Observe: func(o Observation) {
					got := make([]int64, 0, len(o.Codes)+len(o.Wide))
					for _, v := range o.Codes {
						got = append(got, int64(v))
					}
					for _, v := range o.Wide {
						got = append(got, int64(v))
					}
					if expected := want[o.Tensor][:n*q.Tensors[o.Tensor].Len()]; !slices.Equal(got, expected) {
						t.Fatalf("model %d, kernel %s, %d threads, %d images: tensor %s of %+v is\n%d, want\n%d", seed, name, threads, n, o.Name, q.Operators[seen], got, expected)
					}
					seen++
				}})
				for n = most; n >= 1; n-- { // a full batch, then parts of one
					seen = 0
					logits := make([]int32, n*len(q.Classes))
					if err := r.Run(logits, images[:n*size]); err != nil {
						t.Fatal(err)
					}
					if seen != len(q.Operators) {
						t.Fatalf("%d of %d operators observed", seen, len(q.Operators))
					}
				}
			}
		}
	}
}

func ExampleKernels() {
	names := Kernels()
	fmt.Println(names[len(names)-2:])
	// Output: [generic reference]
}
