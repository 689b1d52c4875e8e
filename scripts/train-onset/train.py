#!/usr/bin/env python3
"""Trains the network of package align that says where notes begin (align/onset.net).

usage: train.py OUT STEPS VALIDATION_DIR TRAINING_DIR...     (python3, numpy)

Each folder holds NAME.wav (mono, 16-bit, 16 kHz), labels.json {"NAME.wav": [seconds, ...]}
with the moment of every note's half-rise, and NAME.wav.in, which
    go test ./align -run TestTrainingInput -train DIR
writes: one byte, the sample on which frame 0 is centred, then rows of 100 bytes every 10 ms.
OUT gets the weights as float32, little endian, as align/net.go reads them.

The network is 100 -> 24 per frame, -> 24 over 15 frames, -> 1 over 15 frames, relu between and
a logistic at the end; the target is a bump of sigma 15 ms about each note. Every excerpt gets a
random smooth gain over frequency and sometimes less room above the noise, so that neither the
microphone nor the level can be learned."""
import json, os, sys
import numpy as np

INPUTS, WIDTH, TAPS, SIGMA = 100, 24, 15, 1.5  # sigma in frames of 10 ms
MARGIN, LENGTH, BATCH, RATE = 2 * (TAPS // 2), 300, 24, 2e-3


def load(folder):
    labels = json.load(open(os.path.join(folder, 'labels.json')))
    for name, times in sorted(labels.items()):
        path = os.path.join(folder, name + '.in')
        if not os.path.exists(path):
            continue
        raw = np.fromfile(path, np.uint8)
        x = raw[1:].reshape(-1, INPUTS)
        if len(x) <= LENGTH:
            continue
        frame, y = np.arange(len(x)), np.zeros(len(x), np.float32)
        for t in times:
            u = t * 100 - raw[0] / 160
            a, b = max(0, int(u) - 8), min(len(x), int(u) + 10)
            if b > a:
                y[a:b] = np.maximum(y[a:b], np.exp(-.5 * ((frame[a:b] - u) / SIGMA) ** 2))
        pad = np.zeros((MARGIN, INPUTS), np.uint8)
        yield np.vstack([pad, x, pad]), y


def windows(h):
    """Rows of TAPS consecutive frames, as a view."""
    n, t, c = h.shape
    s = h.strides
    return np.lib.stride_tricks.as_strided(h, (n, t - TAPS + 1, TAPS * c), s)


class Net:
    def __init__(self, rng):
        def layer(rows, cols, gain):
            return rng.normal(0, np.sqrt(gain / rows), (rows, cols)).astype(np.float32)
        self.p = [layer(INPUTS, WIDTH, 2), np.zeros(WIDTH, np.float32),
                  layer(TAPS * WIDTH, WIDTH, 2), np.zeros(WIDTH, np.float32),
                  layer(TAPS * WIDTH, 1, 1), np.full(1, -2., np.float32)]
        self.m = [np.zeros_like(a) for a in self.p]
        self.v = [np.zeros_like(a) for a in self.p]
        self.t = 0

    def forward(self, x):
        w1, b1, w2, b2, w3, b3 = self.p
        self.x = x
        self.h1 = np.ascontiguousarray(np.maximum(x @ w1 + b1, 0))
        self.c1 = windows(self.h1)
        self.h2 = np.ascontiguousarray(np.maximum(self.c1 @ w2 + b2, 0))
        self.c2 = windows(self.h2)
        return 1 / (1 + np.exp(-(self.c2 @ w3 + b3)[..., 0]))

    def backward(self, g):
        def fold(grad, like):  # the transpose of windows, through the relu
            out = np.zeros_like(like)
            grad = grad.reshape(grad.shape[0], grad.shape[1], TAPS, WIDTH)
            for k in range(TAPS):
                out[:, k:k + grad.shape[1]] += grad[:, :, k]
            return out * (like > 0)
        flat = lambda a: a.reshape(-1, a.shape[-1])
        g = g[..., None].astype(np.float32)
        g2 = fold(g @ self.p[4].T, self.h2)
        g1 = fold(g2 @ self.p[2].T, self.h1)
        return [flat(self.x).T @ flat(g1), flat(g1).sum(0),
                flat(self.c1).T @ flat(g2), flat(g2).sum(0),
                flat(self.c2).T @ flat(g), flat(g).sum(0)]

    def step(self, grads, rate):  # Adam with a little weight decay
        self.t += 1
        for i, g in enumerate(grads):
            self.m[i] = .9 * self.m[i] + .1 * g
            self.v[i] = .999 * self.v[i] + .001 * g * g
            d = self.m[i] / (1 - .9 ** self.t) / (np.sqrt(self.v[i] / (1 - .999 ** self.t)) + 1e-8)
            self.p[i] -= rate * (d + (2e-4 * self.p[i] if g.ndim > 1 else 0))


def loss(p, y):
    return -(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))


def excerpt(rng, x, y):
    a = rng.integers(0, len(y) - LENGTH)
    v = x[a:a + LENGTH + 2 * MARGIN].astype(np.float32)
    u = np.linspace(-1, 1, 40)
    mel = rng.normal(0, 8) + rng.normal(0, 8) * u + rng.normal(0, 5) * np.cos(2 * u + rng.uniform(0, 6))
    gain = np.concatenate([mel, np.interp(np.linspace(-1, .55, 60), u, mel)])
    if rng.random() < .3:
        gain -= rng.uniform(0, 25)
    return np.maximum(v + np.where(v > 10, gain, 0), 0), y[a:a + LENGTH]


def main(out, steps, validation, *folders):
    rng, steps = np.random.default_rng(1), int(steps)
    train, held = [s for f in folders for s in load(f)], list(load(validation))
    share = np.array([min(len(y), 6000) for _, y in train], float)
    share /= share.sum()
    net, total = Net(rng), 0
    for s in range(steps):
        picked = [excerpt(rng, *train[i]) for i in rng.choice(len(train), BATCH, p=share)]
        x, y = np.stack([p[0] for p in picked]).astype(np.float32), np.stack([p[1] for p in picked])
        p = net.forward(x / 60)
        total += loss(p, y).mean()
        net.step(net.backward((p - y) / y.size * 50), RATE * min(1, (s + 1) / 200) * (.5 + .5 * np.cos(np.pi * s / steps)))
        if s % 250 == 249:
            worse = [loss(net.forward(x[None].astype(np.float32) / 60)[0], y) for x, y in held]
            print(f'{s + 1}: training {total / 250:.4f}, validation {np.concatenate(worse).mean():.4f}', flush=True)
            total = 0
    with open(out, 'wb') as f:
        for a in net.p:
            f.write(a.astype('<f4').tobytes())


if __name__ == '__main__':
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
