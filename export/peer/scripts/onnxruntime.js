const fs = require('fs');
let ort;
try {
  ort = require('onnxruntime-node');
} catch (e) {
  console.error(e.message.split('\n')[0] + ': npm install onnxruntime-node, in this folder');
  process.exit(1);
}
const kinds = {uint8: 'B', int8: 'b', bool: 'B', int16: 'h', int32: 'i', int64: 'q', float32: 'f', float64: 'd'};

function read(n) {
  const all = Buffer.alloc(n);
  for (let at = 0; at < n;) {
    let got;
    try {
      got = fs.readSync(0, all, at, n - at);
    } catch (e) {
      if (e.code === 'EAGAIN') continue;
      if (e.code === 'EOF') return null;
      throw e;
    }
    if (got === 0) return null;
    at += got;
  }
  return all;
}

function write(b) {
  for (let at = 0; at < b.length;) {
    try {
      at += fs.writeSync(1, b, at);
    } catch (e) {
      if (e.code !== 'EAGAIN') throw e;
    }
  }
}

(async () => {
  const [path, threads, channels, height, width] = process.argv.slice(1);
  const session = await ort.InferenceSession.create(path, {intraOpNumThreads: +threads, logSeverityLevel: 3});
  const shape = [+channels, +height, +width];
  const names = session.outputNames;
  const version = require('onnxruntime-node/package.json').version;
  write(Buffer.from(JSON.stringify({runtime: 'onnxruntime-node ' + version, layout: 'NCHW', outputs: names}) + '\n'));
  for (let head; (head = read(4)) !== null;) {
    const n = head.readUInt32LE(0);
    const x = new ort.Tensor('uint8', new Uint8Array(read(n * shape[0] * shape[1] * shape[2])), [n, ...shape]);
    const y = await session.run({[session.inputNames[0]]: x});
    for (const name of names) {
      const t = y[name], size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(t.data.length));
      write(Buffer.concat([Buffer.from(kinds[t.type]), size, Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength)]));
    }
  }
})().catch((e) => {
  console.error(String(e.message || e).split('\n')[0]);
  process.exit(1);
});
