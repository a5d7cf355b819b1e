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
//   - qat, qat/settings: methods, observers, policies and schedules of
//     quantization, and what a method can be told.
//   - layers: modules, and networks made of them.
//   - optim: optimizers and schedules of the learning rate.
//   - signals: samples of signals to codes and back.
//   - datasets: labelled images and signals, batches, downloads.
//   - train: the loop, its hooks, checkpoints.
//   - dist, dist/mpi: the processes that share a training, over MPI.
//   - ptq, quantize: quantization of a trained float network without training,
//     and the same from a checkpoint to a model.
//   - import/onnx: networks that were trained elsewhere.
//   - export: a network to a model, the proof that they agree, and, in packages
//     below it, the formats of other runtimes and how they agree there.
//   - recipe, pipeline, sweep: a training as data, the same carried out, and many
//     of them in parts.
//   - artifact, describe, energy, benchmark: which kind of file this is, what is in
//     it, what it costs.
//   - evaluate, classify, table: how well a network does, on a data set, on images,
//     in repeated trainings.
//   - search, diagnose: bits for each layer, and where a quantized network loses.
//   - report, chart: a training as one page, with its charts.
//
// README.md begins with a run, ARCHITECTURE.md shows how the packages fit
// together, docs/numerics.md defines the arithmetic.
package goqat
