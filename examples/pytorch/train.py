# SPDX-License-Identifier: Apache-2.0
"""Trains a small network on goqat's sample of Fashion-MNIST and exports it: fashion.onnx, which docs/pytorch.md imports.

Run with torch 2.15.0 and onnx 1.23.2:  python train.py ../../datasets/fashionsample
"""
import gzip, sys
import torch
from torch import nn


def idx(name):  # a file of IDX, as MNIST's are
    data = gzip.open(f"{sys.argv[1]}/{name}").read()
    dims = [int.from_bytes(data[4 * i + 4 : 4 * i + 8], "big") for i in range(data[3])]
    return torch.frombuffer(bytearray(data[4 + 4 * data[3] :]), dtype=torch.uint8).reshape(dims)


def block(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]


torch.manual_seed(1)
mean, std = 0.286, 0.353
images = torch.cat([idx(f"train-images-{part}-idx3-ubyte.gz") for part in range(4)])
labels = idx("train-labels-idx1-ubyte.gz").long()
x = ((images.float() / 255 - mean) / std)[:, None]
net = nn.Sequential(*block(1, 16), *block(16, 32), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 7 * 7, 10))
steps = 2 * len(x) // 64
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
for step in range(steps):
    batch = torch.randint(len(x), (64,))
    loss = nn.functional.cross_entropy(net(x[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

net.eval()
images, labels = idx("t10k-images-idx3-ubyte.gz"), idx("t10k-labels-idx1-ubyte.gz")
with torch.no_grad():
    right = (net(((images.float() / 255 - mean) / std)[:, None]).argmax(1) == labels).float().mean()
print(f"test accuracy {100 * right:.2f} %")
torch.onnx.export(net, (x[:1],), "fashion.onnx", dynamo=False, dynamic_axes={"input": {0: "batch"}}, input_names=["input"])
