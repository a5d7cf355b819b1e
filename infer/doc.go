// SPDX-License-Identifier: Apache-2.0

// Package infer runs quantized networks on integers alone.
//
// It reads a .qmodel, plans its memory once, and computes the logits of images without floating point and without
// allocating. It needs the standard library and golang.org/x/sys/cpu, nothing else of Go's ecosystem and nothing of
// the training side.
//
//	m, err := infer.Open("model.qmodel")
//	class, err := m.Classify(image)
//
// or, for the logits of several images at once,
//
//	r, err := m.NewRunner(infer.Options{Batch: 8})
//	err = r.Run(logits, images)
//
// A Model is shared by any number of goroutines; a Runner has the working memory and belongs to one at a time. The
// integers of every tensor are the same for every kernel, number of threads, batch and platform, and the same as in the
// training graph's exact integer mode.
//
// Where the processor has AMX, the first runner that names no kernel asks Linux for its tiles; see Refused.
package infer
