#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# RELU6 is an operator of TFLite with an input and an output, each with a scale and a zero point of its own: a converter gives the
# output the range 0 to 6 and the input what calibration saw. LiteRT's kernels bring the input to the output's scale, as RELU does.
# TFLite Micro's RELU brings it, too; its RELU6 clips the codes of the input and hands them on as codes of the output: with scale
# 1/8 and zero point 0 before, 1/16 and -100 after, the RELU6 of -2 is 6.25. With the same numbers on both sides they agree. Seen in
# tflite-micro 0.dev20261023182759.
#
# For users of goqat: `qat export --format tflite` writes no RELU6, but codes whose greatest is saturation; the tests know no
# such operator.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ai-edge-litert==2.3.0 tflite-micro==0.dev20261023182759 flatbuffers==25.12.19 numpy==2.4.6
cat >"$work/relu6.py" <<'PYTHON'
from importlib.metadata import version

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

real = np.array([[-2, 0, 1, 2, 3, 4, 5, 7]], np.float64)


def file(operator, scales, zero_points):
    """A model of one operator on int8."""
    model, graph, kind = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], [kind]
    kind.builtinCode = kind.deprecatedBuiltinCode = operator
    kind.version, graph.tensors, graph.inputs, graph.outputs = 2, [], [0], [1]
    for name, scale, zero in zip("xy", scales, zero_points):
        t = schema.TensorT()
        t.name, t.type, t.shape, t.quantization = name, schema.TensorType.INT8, list(real.shape), schema.QuantizationParametersT()
        t.quantization.scale, t.quantization.zeroPoint = [scale], [zero]
        graph.tensors.append(t)
    node = schema.OperatorT()
    node.inputs, node.outputs = [0], [1]
    graph.operators = [node]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def lite(model, x):
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, x)
    interpreter.invoke()
    return interpreter.get_tensor(1)


def micro(model, x):
    interpreter = runtime.Interpreter.from_bytes(model)
    interpreter.set_input(x, 0)
    interpreter.invoke()
    return interpreter.get_output(0)


print("ai-edge-litert", version("ai-edge-litert"), "tflite-micro", version("tflite-micro"))
print("x", real[0].tolist())
seen = {}
for name, most in (("RELU", 8), ("RELU6", 6)):
    for scales, zero_points in (((1 / 8, 1 / 8), (0, 0)), ((1 / 8, 1 / 16), (0, -100))):
        model = file(getattr(schema.BuiltinOperator, name), scales, zero_points)
        x = np.round(real / scales[0] + zero_points[0]).astype(np.int8)
        want = np.clip(real, 0, most)
        for runtime_name, run in (("LiteRT", lite), ("TFLite Micro", micro)):
            y = (run(model, x).astype(np.float64) - zero_points[1]) * scales[1]
            right = np.array_equal(y, want)
            print(f"{name}, scales {scales}, zero points {zero_points}, {runtime_name}: {y[0].tolist()}, {'right' if right else 'wrong'}")
            seen[name, scales, runtime_name] = right
wrong = [key for key, right in seen.items() if not right]
if wrong != [("RELU6", (1 / 8, 1 / 16), "TFLite Micro")]:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/relu6.py" 2>&1 | grep -v '^INFO'
