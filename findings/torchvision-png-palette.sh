#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A PNG of at most 16 colours, as masks of few classes, icons and screenshots are, has two, four or eight pixels in a byte;
# Pillow writes it so unasked. torchvision.io.decode_image, in its default mode UNCHANGED, takes such bytes for pixels: a row of codes 0, 1, 2, 3, 0, 1, 2, 3
# begins with 27, 27, and ends with whatever the memory held. With more than 16 colours it gives the codes. RGB_ALPHA takes the colours of a
# palette without transparency for four numbers a pixel: the alpha of the first is the red of the second. Grays of 1, 2 and 4 bits
# have the right gray, and an alpha of 1, 3 and 15. RGB is right for all of them. GRAY rounds down, where Pillow rounds to the nearest:
# half of the pixels of a photo are one darker. Nothing warns. Seen in torchvision 0.29.2.
#
# For users of goqat: `qat` reads such files by itself, palettes as colours, grays rounded to the nearest as Pillow has them; a test holds both.
# Who makes arrays of images with torchvision asks for RGB.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 torchvision==0.29.2 pillow==13.0.0 numpy==2.4.6
cat >"$work/palette.py" <<'PYTHON'
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
palette = [10, 20, 30, 200, 100, 50, 1, 2, 3, 250, 251, 252]
codes = [0, 1, 2, 3, 0, 1, 2, 3]
colours = [palette[3 * c : 3 * c + 3] for c in codes]


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


def indexed(palette):
    image = Image.new("P", (8, 1))
    image.putpalette(palette)
    image.putdata(codes)
    return saved(image)


def gray(bits):
    """a row of 8 pixels, the last of which is white"""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes(bits - 1) + b"\xff" if bits > 1 else b"\x01"
    header = struct.pack(">IIBBBBB", 8, 1, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


few, many = indexed(palette), indexed(palette + [7] * (3 * 252))
see("bits a pixel of 4 and of 256 colours", [few[24], many[24]], [2, 8])
see("codes", codes, codes)
see("4 colours, UNCHANGED, first two", decode(few, ImageReadMode.UNCHANGED)[:2], [[0b00011011]] * 2)
see("256 colours, UNCHANGED", decode(many, ImageReadMode.UNCHANGED), [[c] for c in codes])
see("4 colours, Pillow", np.array(Image.open(io.BytesIO(few)))[0].tolist(), codes)
shifted = [[10, 20, 30, 200], [100, 50, 1, 2], [3, 250, 251, 252]]
for name, png in ("4 colours", few), ("256 colours", many):
    see(f"{name}, RGB", decode(png, ImageReadMode.RGB), colours)
    see(f"{name}, RGB_ALPHA, first three", decode(png, ImageReadMode.RGB_ALPHA)[:3], shifted)
for bits in 1, 2, 4, 8:
    white = decode(gray(bits), ImageReadMode.RGB_ALPHA)[-1]
    see(f"white of {bits} bits, RGB_ALPHA", white, [255, 255, 255, 2**bits - 1])
colour = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8))
see("GRAY of three colours", decode(saved(colour), ImageReadMode.GRAY), [[1], [4], [7]])
see("Pillow's gray of three colours", np.array(colour.convert("L"))[0].tolist(), [2, 5, 8])
noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1, 4096, 3)).astype(np.uint8))
darker = np.array(noise.convert("L"))[0].astype(int) - np.array(decode(saved(noise), ImageReadMode.GRAY))[:, 0]
see("Pillow's gray less torchvision's, of 4,096 colours", np.unique(darker).tolist(), [0, 1])
see("of those one darker in torchvision, percent", round(100 * darker.mean()), round(100 * darker.mean()))
changed |= not 45 < 100 * darker.mean() < 55
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/palette.py"
