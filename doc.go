// SPDX-License-Identifier: Apache-2.0

// Package goqat is the root of a framework for quantization-aware training:
// image classifiers are trained with their weights and activations rounded to 8,
// 4, 2 or 1 bits, exported to one file, and run on integers alone. What was
// trained and what runs are proved to be the same integers, in every tensor.
//
// This package has no code. There are three ways in:
//
//   - The program, github.com/goqat/goqat/cmd/qat, trains, exports, verifies and
//     runs networks: go run ./cmd/qat train.
//   - A program that only runs models imports infer, and images to decode PNG and
//     JPEG files, with images/formats others, too. Neither knows training, and
//     infer has no floating point.
//   - A program that trains networks of its own imports layers, qat, train and
//     export; examples/train is one whole.
//
// The packages, from the runtime to the program:
//
//   - fixed: exact integer arithmetic, the one definition of requantization.
//   - qmodel: a quantized network as data, and its file.
//   - infer: the integer runtime.
//   - images, images/formats: image files to bytes of a wanted size, in integers.
//   - quant: real numbers to integers and back: codes, multipliers, biases.
//   - calibrate: ranges of tensors from their values.
//   - geometry, network: the window of an operator, a network as data.
//   - graph: training graphs on Gorgonia, with operators of their own.
//   - ste: fake quantization and its straight-through gradients.
//   - qat: methods, observers, policies and schedules of quantization.
//   - layers: modules, and networks made of them.
//   - optim: optimizers and schedules of the learning rate.
//   - datasets: labelled images, batches, downloads.
//   - train: the loop, its hooks, checkpoints.
//   - ptq: quantization of a trained float network without training.
//   - export: a network to a model, the proof that they agree, and, in packages
//     below it, the formats of other runtimes.
//   - recipe, pipeline: a training as data, and the same carried out.
//   - describe, energy, benchmark, table: what is in a model, what it costs, what
//     repeated trainings reach.
//
// README.md begins with a run, ARCHITECTURE.md shows how the packages fit
// together, docs/numerics.md defines the arithmetic.
package goqat
