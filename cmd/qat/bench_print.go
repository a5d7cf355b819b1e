// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/term"
)

// printInference writes the benchmark of inference for people.
func printInference(p *term.Page, b *benchmark.Inference) {
	each := ""
	if b.Batch > 1 {
		each = fmt.Sprintf(" for a batch, median %.4f ms an image", b.Latency.P50/float64(b.Batch))
	}
	p.Printf(`kernel %s, %s, batch %d, %s, loaded in %.1f ms
latency     min %.3f ms, median %.3f ms, 99 %% below %.3f ms%s
throughput  %.0f images/s, %.2f GMAC/s (%d MACs an image)
allocations %d a run
`, b.Kernel, plural.Of(b.Threads, "thread"), b.Batch, plural.Of(b.Runs, "run"), b.LoadMS,
		b.Latency.Min, b.Latency.P50, b.Latency.P99, each, b.ImagesPerSec, b.GMACsPerSecond, b.MACs, b.AllocsPerRun)
	if b.Refused != "" {
		p.Printf("refused     %s\n", b.Refused)
	}
}

// printTraining writes the benchmark of training for people.
func printTraining(p *term.Page, b *benchmark.Training) {
	p.Printf(`%d parameters, %d MACs an image, batch %d, %s, %s, kernels %s
step         min %.2f ms, median %.2f ms
float step   min %.2f ms, median %.2f ms
overhead     %.1f %%
throughput   %.0f images/s
allocations  %d a step
memory       %.0f MB at most, %.0f MB with float steps
loss         %.4f first, %.4f last
`, b.Parameters, b.MACs, b.Batch, plural.Of(b.Threads, "thread"), plural.Of(b.Steps, "step"), b.Kernels, b.Step.Min, b.Step.P50, b.FloatStep.Min, b.FloatStep.P50,
		100*b.FakequantOverhead, b.ImagesPerSecond, b.AllocsPerStep, b.PeakRSSMB, b.FloatPeakRSSMB, b.LossFirst, b.LossLast)
	if b.LoaderStep != nil {
		p.Printf("with loader  min %.2f ms, median %.2f ms, %+.1f %%\n", b.LoaderStep.Min, b.LoaderStep.P50, 100**b.LoadingOverhead)
	}
}

// printRoofline writes the roofline for people.
func printRoofline(p *term.Page, l *benchmark.Roofline) {
	row := func(name string, ms, roof float64) []string {
		return []string{name, fmt.Sprintf("%.3f", ms), fmt.Sprintf("%.3f", roof), fmt.Sprintf("%.0f %%", 100*roof/ms)}
	}
	var rows [][]string
	for _, o := range l.Ops {
		rows = append(rows, row(o.Name, o.MS, o.RoofMS))
	}
	rows = append(rows, row("step", l.StepMS, l.RoofMS))
	p.Printf("batch %d, %s, the fastest of %s; at most %.0f GFLOP/s, and %.1f GB/s read and written\n",
		l.Batch, plural.Of(l.Threads, "thread"), plural.Of(l.Steps, "step"), l.PeakGFLOPS, l.CopyGBs)
	p.Table([]string{"op", "ms", "roof, ms", "share"}, rows)
}
