# SPDX-License-Identifier: Apache-2.0
"""Compresses JPEG files once more: bench/jpeg_again.py FROM TO

FROM and TO are folders of a folder for each class. Each picture is decoded, compressed with
the tables and the subsampling that its file has, and decoded again, on a grid of blocks that
lies 4 pixels further down and to the right, because on its own grid a second compression
changes almost nothing. TO gets PNG files, so that nothing is lost after that.

    qat eval RUN/checkpoint-float.safetensors --data TO

beside the same with FROM says what one compression more costs a network that was trained
on files compressed once. It needs Pillow.
"""

import io
import pathlib
import sys

from PIL import Image, JpegImagePlugin

SHIFT = 4


def again(path):
    picture = Image.open(path)
    tables, sampling = picture.quantization, JpegImagePlugin.get_sampling(picture)
    picture = picture.convert("RGB")
    width, height = picture.size
    larger = Image.new("RGB", (width + 16, height + 16))
    for x, y in ((0, 0), (16, 0), (0, 16), (16, 16)):  # what is seen past the edges
        larger.paste(picture, (x, y))
    larger.paste(picture, (8 + SHIFT, 8 + SHIFT))
    file = io.BytesIO()
    larger.save(file, "jpeg", qtables=tables, subsampling=sampling)
    box = (8 + SHIFT, 8 + SHIFT, 8 + SHIFT + width, 8 + SHIFT + height)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB").crop(box)


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    for path in sorted(source.glob("*/*.jpg")):
        made = target / path.parent.name / (path.stem + ".png")
        made.parent.mkdir(parents=True, exist_ok=True)
        again(path).save(made)


if __name__ == "__main__":
    main()
