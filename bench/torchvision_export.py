# SPDX-License-Identifier: Apache-2.0
"""Writes a network of torchvision as ONNX, and photos to calibrate it with; see torchvision.sh."""

import logging
import pathlib
import sys
import warnings

import skimage.data
import skimage.io
import torch
import torchvision

PHOTOS = "astronaut", "chelsea", "coffee", "rocket"  # each is a class
SIZE, CROPS, TESTED = 224, 16, 2  # crops of a photo for training and for testing


def write_photos(folder):
    """Writes crops of photos as a data set."""
    rng = torch.Generator().manual_seed(1)
    for photo in PHOTOS:
        pixels = getattr(skimage.data, photo)()
        room = [side - SIZE for side in pixels.shape[:2]]
        for i in range(CROPS + TESTED):
            top, left = (int(torch.randint(0, r + 1, (1,), generator=rng)) for r in room)
            path = folder / ("train" if i < CROPS else "test") / photo / f"{i:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            skimage.io.imsave(path, pixels[top:top + SIZE, left:left + SIZE], check_contrast=False)


def write_network(name, path):
    """Exports a network whose batch normalizations have the statistics of random images, so that values neither vanish nor explode."""
    torch.manual_seed(0)
    net = getattr(torchvision.models, name)(weights=None, num_classes=len(PHOTOS)).train()
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.momentum = None
                m.reset_running_stats()
        for _ in range(2):
            net(torch.randn(4, 3, SIZE, SIZE))
    torch.onnx.export(net.eval(), (torch.randn(1, 3, SIZE, SIZE),), str(path), dynamo=False, input_names=["input"], output_names=["logits"])


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    work, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    if not (work / "photos").exists():
        write_photos(work / "photos")
    write_network(name, work / f"{name}.onnx")


main()
