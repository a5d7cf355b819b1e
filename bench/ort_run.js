// SPDX-License-Identifier: Apache-2.0

// Measures ONNX Runtime: node ort_run.js MODEL.onnx OPTIMIZED.onnx uint8|float32 SHAPE BATCH THREADS SECONDS
// writes the graph as it is after optimization and prints JSON. SHAPE is 3,32,32.
"use strict";

const ort = require("onnxruntime-node");

async function main([model, optimized, type, shape, batch, threads, seconds]) {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    optimizedModelFilePath: optimized,
  });
  const dims = [Number(batch), ...shape.split(",").map(Number)];
  const size = dims.reduce((a, b) => a * b);
  const data = type === "uint8"
    ? Uint8Array.from({ length: size }, () => Math.random() * 256)
    : Float32Array.from({ length: size }, () => Math.random() * 4 - 2);
  const feeds = { [session.inputNames[0]]: new ort.Tensor(type, data, dims) };
  for (let i = 0; i < 3; i++) await session.run(feeds);
  const times = [];
  for (let total = 0; total < seconds * 1e3 || times.length < 5; total += times.at(-1)) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ version: ort.env.versions.node, ms: times[times.length >> 1] }));
}

main(process.argv.slice(2));
