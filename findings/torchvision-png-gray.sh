#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# torchvision.io.decode_image makes grays of colours by GRAY and rounds them down, where Pillow, through which most networks were trained,
# rounds to the nearest: half of the pixels of a photo are one darker. By RGB_ALPHA a gray PNG of 1, 2 or 4 bits has the right
# gray, and an alpha of 1, 3 and 15 of 255: a picture that is opaque becomes nearly invisible where alpha is used. RGB is right for
# all of them. Nothing warns. Seen in torchvision 0.29.2.
#
# For users of goqat: `qat` reads such files by itself, grays rounded to the nearest as Pillow has them, of any number of bits; a test holds both.
# Who makes arrays of images with torchvision asks for RGB.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 torchvision==0.29.2 pillow==13.0.0 numpy==2.4.6
cat >"$work/gray.py" <<'PYTHON'
import io
import struct
import zlib
from importlib.metadata import version

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

print(*(f"{p} {version(p)}" for p in ("torchvision", "torch", "pillow")))
changed = False


def see(what, value, expected):
    global changed
    print(f"{what}: {value}")
    changed |= value != expected


def decode(png, mode):
    """pixels of the only row"""
    pixels = decode_image(torch.frombuffer(bytearray(png), dtype=torch.uint8), mode)
    return pixels[:, 0].T.tolist()


def saved(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def gray(bits):
    """a row of 8 pixels, the last of which is white"""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes(bits - 1) + b"\xff" if bits > 1 else b"\x01"
    header = struct.pack(">IIBBBBB", 8, 1, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


for bits in 1, 2, 4, 8:
    see(f"white of {bits} bits, RGB", decode(gray(bits), ImageReadMode.RGB)[-1], [255, 255, 255])
    see(f"white of {bits} bits, RGB_ALPHA", decode(gray(bits), ImageReadMode.RGB_ALPHA)[-1], [255, 255, 255, 2**bits - 1])
colour = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8))
see("GRAY of three colours", decode(saved(colour), ImageReadMode.GRAY), [[1], [4], [7]])
see("Pillow's gray of three colours", np.array(colour.convert("L"))[0].tolist(), [2, 5, 8])
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1, 4096, 3)).astype(np.uint8))
darker = np.array(noise.convert("L"))[0].astype(int) - np.array(decode(saved(noise), ImageReadMode.GRAY))[:, 0]
see("Pillow's gray less torchvision's, of 4,096 colours", np.unique(darker).tolist(), [0, 1])
share = round(100 * darker.mean())
print(f"of those one darker in torchvision: {share} %")
changed |= not 45 < share < 55
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/gray.py"
