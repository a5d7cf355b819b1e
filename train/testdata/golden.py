# SPDX-License-Identifier: Apache-2.0
"""Ten losses of a tiny training, by PyTorch in float64: see README.md."""
import json
import math
import random

import torch
import torch.nn.functional as F

CLASSES, SIZE, IMAGES, BATCH, STEPS = 4, 8, 40, 9, 10
MEAN_CODE, DEVIATION = 128, 0.25
QUANTIZE_AT, FREEZE_AT = 3, 7  # the first step that is quantized; that has everything frozen

# Shapes as goqat stores weights: [out, height, width, in / groups].
CONVS = {
    "conv1": (6, 3, 3, 1),
    "block1.shortcut": (8, 1, 1, 6),
    "block1.conv1": (8, 3, 3, 6),
    "block1.conv2": (8, 3, 3, 8),
    "conv2": (8, 3, 3, 1),
    "fc1": (CLASSES, 1, 1, 8),
}
NORMS = ["conv1", "block1.shortcut", "block1.conv1", "block1.conv2"]
BIASES = ["conv2", "fc1"]
SIGNED = {"conv2", "globalavgpool1"}


def draw():
    """Returns images, labels and parameters, all short in decimal and exact in float32."""
    rng = random.Random(7)
    labels = [i % CLASSES for i in range(IMAGES)]
    rng.shuffle(labels)
    patterns = [[rng.gauss(128, 40) for _ in range(SIZE * SIZE)] for _ in range(CLASSES)]
    images = [[min(255, max(0, round(v + rng.gauss(0, 40)))) for v in patterns[l]] for l in labels]
    parameters = {}
    for name, shape in CONVS.items():
        n, fan_in = math.prod(shape), math.prod(shape[1:])
        parameters[name + ".weight"] = [round(1024 * rng.gauss(0, math.sqrt(2 / fan_in))) / 1024 for _ in range(n)]
    for name in NORMS:
        parameters[name + ".gamma"] = [1 + round(256 * rng.gauss(0, 0.2)) / 256 for _ in range(CONVS[name][0])]
        parameters[name + ".beta"] = [round(256 * rng.gauss(0, 0.2)) / 256 for _ in range(CONVS[name][0])]
    for name in BIASES:
        parameters[name + ".bias"] = [round(256 * rng.gauss(0, 0.2)) / 256 for _ in range(CONVS[name][0])]
    return images, labels, parameters


class StraightThrough(torch.autograd.Function):
    """The value y with the gradient of x where passes is true. Values of one code stay equal: a maximum pooling has ties."""

    @staticmethod
    def forward(ctx, x, y, passes):
        ctx.save_for_backward(passes)
        return y.clone()

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.saved_tensors[0], None, None


def affine(x, scale, zero, least, most):
    code = torch.round(x.detach() / scale) + zero
    passes = (code >= least) & (code <= most)
    return StraightThrough.apply(x, (code.clamp(least, most) - zero) * scale, passes)


class Tensor8:
    """Method int: the range follows the batches before, bias-corrected; 8 bits."""

    def __init__(self):
        self.low = self.high = self.weight = 0.0

    def __call__(self, x, quantize, observe):
        low, high = min(0.0, self.low / (self.weight or 1)), max(0.0, self.high / (self.weight or 1))
        if observe:
            d = 0.99
            self.low = d * self.low + (1 - d) * x.min().item()
            self.high = d * self.high + (1 - d) * x.max().item()
            self.weight = d * self.weight + (1 - d)
        if not quantize:
            return x
        scale = (high - low) / 255
        return affine(x, scale, round(-low / scale), 0, 255)


class Pact:
    """Method pact: a learned clip; dL/dclip is the sum over what is clipped."""

    def __init__(self, bits, signed):
        self.alpha = torch.nn.Parameter(torch.tensor([1.5], dtype=torch.float64))
        self.levels = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        self.signed = signed

    def __call__(self, x, quantize, observe):
        if not quantize:
            return x
        x = torch.where(x >= self.alpha, self.alpha, x)
        x = torch.where(x <= -self.alpha, -self.alpha, x) if self.signed else torch.where(x <= 0, torch.zeros_like(x), x)
        scale = self.alpha.detach() / self.levels
        return StraightThrough.apply(x, torch.round(x.detach() / scale) * scale, torch.ones_like(x))


def weight_scale(w, bits):
    """The scale of one channel: of the greatest weight, or fitted below 5 bits."""
    top = 2 ** (bits - 1) - 1
    scale = w.abs().max() / top
    if bits > 4:
        return scale
    best = (-1.0, None)
    for s in (scale, {2: 1.224, 3: 0.6508, 4: 0.3534}[bits] * w.square().mean().sqrt()):
        for _ in range(2):
            q = torch.round(w / s).clamp(-top, top)
            s, gain = (w * q).sum() / (q * q).sum(), (w * q).sum() ** 2 / (q * q).sum()
        if gain > best[0]:
            best = (gain, s)
    return best[1]


def quantize_weights(w, bits):
    scale = torch.stack([weight_scale(c, bits) for c in w.detach().flatten(1)]).view(-1, 1, 1, 1)
    top = 2 ** (bits - 1) - 1
    return affine(w, scale, 0, -top, top)


class Network:
    def __init__(self, parameters, method):
        self.p = {}
        for name, values in parameters.items():
            t = torch.tensor(values, dtype=torch.float64)
            if name.endswith(".weight"):
                t = t.view(CONVS[name.removesuffix(".weight")]).permute(0, 3, 1, 2).contiguous()
            self.p[name] = torch.nn.Parameter(t)
        self.mean = {n: torch.zeros(CONVS[n][0], dtype=torch.float64) for n in NORMS}
        self.variance = {n: torch.ones(CONVS[n][0], dtype=torch.float64) for n in NORMS}
        self.method = method
        inner = (lambda n: Pact(4, n in SIGNED)) if method == "pact" else (lambda n: Tensor8())
        self.tensors = {n: inner(n) for n in ("conv1", "block1.conv1", "block1.conv2", "conv2")}
        self.tensors["globalavgpool1"] = Tensor8()  # the input of the last layer
        for n, t in self.tensors.items():
            if isinstance(t, Pact):
                self.p[n + ".clip"] = t.alpha

    def forward(self, x, quantize, observe, freeze):
        def conv(name, x, **options):
            w = self.p[name + ".weight"]
            if quantize:
                w = quantize_weights(w, 4 if self.method == "pact" and name not in ("conv1", "fc1") else 8)
            return F.conv2d(x, w, self.p.get(name + ".bias"), **options)

        def norm(name, x):
            return F.batch_norm(x, self.mean[name], self.variance[name], self.p[name + ".gamma"], self.p[name + ".beta"], not freeze, 0.1, 1e-5)

        def rounded(name, x):
            return self.tensors[name](x, quantize, observe)

        x = rounded("conv1", F.relu6(norm("conv1", conv("conv1", x, padding=1))))
        skip = norm("block1.shortcut", conv("block1.shortcut", x, stride=2))
        y = rounded("block1.conv1", F.relu(norm("block1.conv1", conv("block1.conv1", x, padding=1, stride=2))))
        x = rounded("block1.conv2", F.relu(norm("block1.conv2", conv("block1.conv2", y, padding=1)) + skip))
        x = F.max_pool2d(x, 2)
        x = rounded("conv2", conv("conv2", x, padding=1, groups=8))
        x = rounded("globalavgpool1", x.mean((2, 3), keepdim=True))
        return conv("fc1", x).flatten(1)

    def groups(self):
        def decay(name):
            return 5e-4 if name.endswith(".weight") else 1e-3 if name.endswith(".clip") else 0
        return [{"params": [p], "weight_decay": decay(n)} for n, p in self.p.items()]


def train(images, labels, parameters, method):
    net = Network(parameters, method)
    optimizer = torch.optim.SGD(net.groups(), lr=0.05, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    x = (torch.tensor(images, dtype=torch.float64) - MEAN_CODE) / (255 * DEVIATION)
    x, y = x.view(-1, 1, SIZE, SIZE), torch.tensor(labels)
    losses = []
    batches = math.ceil(IMAGES / BATCH)
    for step in range(STEPS):
        at = step % batches * BATCH
        quantize, freeze = method != "float" and step >= QUANTIZE_AT, method != "float" and step >= FREEZE_AT
        loss = F.cross_entropy(net.forward(x[at : at + BATCH], quantize, not freeze, freeze), y[at : at + BATCH])
        optimizer.zero_grad()
        loss.backward()
        for t in net.tensors.values():  # no gradient before quantization starts: 0, with decay and momentum
            if isinstance(t, Pact) and t.alpha.grad is None:
                t.alpha.grad = torch.zeros_like(t.alpha)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    final = {}
    for name, p in net.p.items():
        p = p.detach()
        final[name] = (p.permute(0, 2, 3, 1) if name.endswith(".weight") else p).flatten().tolist()
    for name in NORMS:
        final[name + ".mean"], final[name + ".variance"] = net.mean[name].tolist(), net.variance[name].tolist()
    return {"losses": losses, "final": {n: [float("%.7g" % v) for v in values] for n, values in final.items()}}


def main():
    images, labels, parameters = draw()
    golden = {
        "images": sum(images, []), "labels": labels, "parameters": parameters,
        "runs": {m: train(images, labels, parameters, m) for m in ("float", "int", "pact")},
    }
    with open("golden.json", "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")
    for method, run in golden["runs"].items():
        print(method, *("%.6f" % v for v in run["losses"]))


main()
