// SPDX-License-Identifier: Apache-2.0
// ort_run.js MODEL.onnx BATCH THREADS: the time of a run by ONNX Runtime, as JSON. Started by inference.py.
const ort = require('onnxruntime-node')
const { basename } = require('path')

async function main([path, batch, threads]) {
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: +threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 3,
  })
  const shape = basename(path) === 'lenet.onnx' ? [1, 28, 28] : [3, 32, 32]
  const data = new Uint8Array(batch * shape.reduce((a, b) => a * b)).map(() => Math.random() * 256)
  const image = new ort.Tensor('uint8', data, [+batch, ...shape])
  const times = []
  for (const start = Date.now(); times.length < 10 || Date.now() - start < 1000;) {
    const before = process.hrtime.bigint()
    await session.run({ image })
    times.push(Number(process.hrtime.bigint() - before) / 1e6)
  }
  times.sort((a, b) => a - b)
  console.log(JSON.stringify({ p50: times[times.length >> 1], min: times[0] }))
}
main(process.argv.slice(2))
