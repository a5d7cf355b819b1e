#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Keras model with a Normalization layer of given mean and variance, as EfficientNet has one, is exported to ONNX with these two
# constants as inputs of the file, without their values: ONNX Runtime refuses to run it on the image alone, and computes what Keras
# does when it is given them, too. Where a Rescaling comes before the layer, the values are in the file and nobody reads the inputs,
# but they must be given all the same.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0
cat >"$work/inputs.py" <<'PYTHON'
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
from keras import layers

path = sys.argv[1]
mean, variance = [0.4, 0.5, 0.6], [0.1, 0.2, 0.3]
x = np.random.default_rng(1).random((1, 8, 8, 3), np.float32)
print("keras", keras.__version__, "tensorflow", tf.__version__, "onnxruntime", ort.__version__)


def unread(*before):
    """Exports a model; returns how many inputs of the file no node reads. Its session must refuse the image alone."""
    model = keras.Sequential([keras.Input((8, 8, 3)), *before, layers.Normalization(mean=mean, variance=variance), layers.Conv2D(2, 3)])
    want = np.asarray(model(x))
    model.export(path, format="onnx", verbose=False)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    image, *others = [i.name for i in session.get_inputs()]
    try:
        session.run(None, {image: x})
        raise SystemExit("the image alone is enough")
    except ValueError as e:
        print(e)
    values = {name: np.float32(mean if "Sub" in name else variance).reshape(1, 1, 1, 3) for name in others}
    if np.abs(session.run(None, {image: x, **values})[0] - want).max() > 1e-4:
        raise SystemExit("the file computes something else than Keras")
    read = {name for node in onnx.load(path).graph.node for name in node.input}
    return len(others), sum(name not in read for name in others)


found = unread(), unread(layers.Rescaling(1 / 255))
print("inputs beside the image, and how many of them nobody reads:", found)
if found != ((2, 1), (2, 2)):
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/inputs.py" "$work/model.onnx"
