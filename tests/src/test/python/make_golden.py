"""Golden values for the tests of the engine, in float64 with PyTorch.

    python3 make_golden.py ../resources/golden

Written from the published definitions: Keras's ConvLSTM2D, BatchNormalization, Conv3D, losses and Adam, with
TensorFlow's `same` padding. Videos are (frames, batch, height, width, channels), kernels as Keras has them. All
inputs and weights are float32 values, so that the engine starts from the very same numbers.

Near a kink of an activation, rounding decides which side a value falls on, and with it the gradient. Seeds are tried
until no value lies that close; so a test need not allow for it. The same holds for values that are rounded to
bfloat16, where these are part of a case.
"""
import itertools
import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

import keras_layers
from keras_layers import KINK_MARGIN, TooClose, activate, same_padding

torch.set_default_dtype(torch.float64)


# ---- The definitions

class Exact:
    """Convolutions use their operands unchanged."""

    def __init__(self, strict=True):
        self.strict = strict

    def operand(self, x):
        return x

    def gradient(self, y):
        return y


class BFloat16(Exact):
    """Convolutions round their operands to bfloat16, forward and backward; everything else is float64."""

    def round(self, x):
        rounded = x.float().bfloat16().double()
        if self.strict:
            # The nearest bfloat16 on the other side of the midpoint. Give up if rounding errors of 5e-7 could lead
            # there. Steps below 1e-5 do not matter.
            step = 2.0 ** (torch.floor(torch.log2(x.abs().clamp(min=1e-30))) - 7)
            slack = step / 2 - (x - rounded).abs()
            scale = x.abs().max()
            exact = x == x.float().double()
            if ((slack < 5e-7 * scale) & (step > 1e-5 * scale) & ~exact).any():
                raise TooClose
        return rounded

    def operand(self, x):
        return x + (self.round(x.detach()) - x.detach())

    def gradient(self, y):
        rounding = self

        class RoundGradient(torch.autograd.Function):
            @staticmethod
            def forward(context, value):
                return value.clone()

            @staticmethod
            def backward(context, gradient):
                return rounding.round(gradient)

        return RoundGradient.apply(y)


def conv2d(x, kernel, strides=(1, 1), padding="same", dilation=(1, 1)):
    """x (images, height, width, in), kernel (height, width, in, out)."""
    x = x.permute(0, 3, 1, 2)
    if padding == "same":
        top, bottom = same_padding(x.shape[2], kernel.shape[0], strides[0], dilation[0])
        left, right = same_padding(x.shape[3], kernel.shape[1], strides[1], dilation[1])
        x = F.pad(x, (left, right, top, bottom))
    return F.conv2d(x, kernel.permute(3, 2, 0, 1), stride=strides, dilation=dilation).permute(0, 2, 3, 1)


def conv_lstm(layer, x, kernel, recurrent_kernel, bias, rounding):
    act = lambda v: activate(layer["activation"], v, rounding.strict)
    rec = lambda v: activate(layer["recurrent_activation"], v, rounding.strict)
    kernel, recurrent_kernel = rounding.operand(kernel), rounding.operand(recurrent_kernel)
    h = c = None
    outputs = []
    for frame in x:
        z = conv2d(rounding.operand(frame), kernel, layer["strides"], layer["padding"], layer["dilation_rate"]) + bias
        if h is not None:
            z = z + conv2d(rounding.operand(h), recurrent_kernel)
        i, f, g, o = torch.chunk(rounding.gradient(z), 4, dim=-1)
        c = rec(i) * act(g) if c is None else rec(f) * c + rec(i) * act(g)
        h = rec(o) * act(c)
        outputs.append(h)
    return torch.stack(outputs)


def conv3d(layer, x, kernel, bias, rounding):
    """x (frames, batch, height, width, in), kernel (frames, height, width, in, out)."""
    x = rounding.operand(x).permute(1, 4, 0, 2, 3)
    strides, dilation = layer.get("strides", [1, 1, 1]), layer.get("dilation_rate", [1, 1, 1])
    if layer.get("padding", "same") == "same":
        padding = [same_padding(*axis) for axis in zip(x.shape[2:], kernel.shape[:3], strides, dilation)]
        x = F.pad(x, [p for pair in reversed(padding) for p in pair])
    y = F.conv3d(x, rounding.operand(kernel).permute(4, 3, 0, 1, 2), stride=strides, dilation=dilation)
    y = rounding.gradient(y.permute(2, 0, 3, 4, 1)) + bias
    return activate(layer.get("activation", "linear"), y, rounding.strict)


def batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3):
    return gamma * (x - mean) / torch.sqrt(variance + epsilon) + beta


def statistics(x):
    axes = tuple(range(x.dim() - 1))
    return x.mean(axes), x.var(axes, unbiased=False)


def space_to_depth(x, block):
    t, b, h, w, c = x.shape
    x = x.reshape(t, b, h // block, block, w // block, block, c)
    return x.permute(0, 1, 2, 4, 3, 5, 6).reshape(t, b, h // block, w // block, block * block * c)


def depth_to_space(x, block):
    t, b, h, w, c = x.shape
    x = x.reshape(t, b, h, w, block, block, c // block ** 2)
    return x.permute(0, 1, 2, 4, 3, 5, 6).reshape(t, b, h * block, w * block, c // block ** 2)


class RecoveringClamp(torch.autograd.Function):
    """clamp(x, 0, 1). Outside [0, 1], a gradient passes if descent would move x back."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return torch.clamp(x, 0, 1)

    @staticmethod
    def backward(context, gradient):
        x, = context.saved_tensors
        stays = ((x > 1) & (gradient <= 0)) | ((x < 0) & (gradient >= 0))
        return torch.where(stays, torch.zeros_like(gradient), gradient)


def local_filter(image, weights, axis):
    """image (batch, height, width, channels): each value is a weighted sum over its neighbours along the axis.
    weights (batch, height, width, offsets); the middle offset is 0."""
    reach = weights.shape[-1] // 2
    padded = F.pad(image, (0, 0) + (0, 0) * (2 - axis) + (reach, reach) + (0, 0) * (axis - 1))
    windows = padded.unfold(axis, 2 * reach + 1, 1)
    return (windows * weights[:, :, :, None, :]).sum(-1)


def layered_advection(layer, x, gates, filters, flow, strict):
    k, reach, precision = layer["layers"], layer.get("max_displacement", 4), layer.get("flow_precision", 0.5)
    block = x.shape[2] // filters.shape[2]
    offsets = torch.arange(-reach, reach + 1)
    images = torch.zeros(x.shape[1], k, *x.shape[2:])
    outputs = []
    for t in range(len(x)):
        share = torch.softmax(gates[t], -1)[..., :k].permute(0, 3, 1, 2)
        innovation = x[t] - torch.clamp(images.sum(1), 0, 1)
        images = images + share[..., None] * innovation[:, None]
        logits = filters[t].reshape(*filters.shape[1:4], k, 2, 2 * reach + 1) \
            - precision * (offsets - flow[t][..., None, :2, None]) ** 2
        weights = torch.softmax(logits, -1).repeat_interleave(block, 1).repeat_interleave(block, 2)
        images = torch.stack([local_filter(local_filter(images[:, i], weights[:, :, :, i, 0], 1),
                                           weights[:, :, :, i, 1], 2) for i in range(k)], 1)
        total = images.sum(1)
        for kink in [0, 1]:
            if strict and ((total.detach() - kink).abs() < KINK_MARGIN).any():
                raise TooClose
        outputs.append(RecoveringClamp.apply(total))
    return torch.stack(outputs)


def block_matching(x, block, reach, window):
    """x (frames, batch, height, width, channels): vertical and horizontal displacement, and error, of each block."""
    t, b, h, w, c = x.shape
    now, before = [v.reshape(t * b, h, w, c).permute(0, 3, 1, 2) for v in (x, torch.cat([x[:1], x[:-1]]))]
    before = F.pad(before, [reach] * 4)
    shifts = list(itertools.product(range(-reach, reach + 1), repeat=2))
    costs = []
    for dy, dx in shifts:
        moved = before[:, :, reach + dy:reach + dy + h, reach + dx:reach + dx + w]
        difference = F.avg_pool2d(((now - moved) ** 2).sum(1, keepdim=True), block) * block ** 2
        costs.append(window ** 2 * F.avg_pool2d(difference, window, 1, window // 2, count_include_pad=False))
    costs = torch.cat(costs, 1)
    motion = torch.einsum("ndhw,dk->nhwk", torch.softmax(-costs, 1), torch.tensor(shifts, dtype=x.dtype))
    error = (costs.amin(1) / 8).clamp(max=1)
    return torch.cat([motion, error[..., None]], -1).reshape(t, b, h // block, w // block, 3)


def clipped_cross_entropy(p, t):
    """Keras's binary cross-entropy of probabilities. The limits are the float32 values nearest to 1e-7 and 1 - 1e-7."""
    p = torch.clamp(p, float(np.float32(1e-7)), float(np.float32(1 - 1e-7)))
    return -(t * torch.log(p) + (1 - t) * torch.log1p(-p)).mean()


LOSSES = {
    "binary_crossentropy_from_logits": F.binary_cross_entropy_with_logits,
    "binary_crossentropy": clipped_cross_entropy,
    "mean_squared_error": F.mse_loss,
}


class KerasAdam:
    def __init__(self, parameters, learning_rate=1e-3):
        self.learning_rate, self.step = learning_rate, 0
        self.m = {name: torch.zeros_like(p) for name, p in parameters.items()}
        self.v = {name: torch.zeros_like(p) for name, p in parameters.items()}

    def update(self, parameters, gradients):
        self.step += 1
        alpha = self.learning_rate * np.sqrt(1 - 0.999 ** self.step) / (1 - 0.9 ** self.step)
        for name, g in gradients.items():
            self.m[name] = 0.9 * self.m[name] + 0.1 * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
            parameters[name] = parameters[name] - alpha * self.m[name] / (torch.sqrt(self.v[name]) + 1e-7)


def orthogonalized(matrix):
    """Newton and Schulz's iteration with the coefficients of Jordan et al. 2024."""
    x = matrix / max(matrix.norm().item(), 1e-7)
    for _ in range(5):
        s = x @ x.T
        x = 3.4445 * x - 4.7750 * s @ x + 2.0315 * s @ s @ x
    return x


class Muon:
    """Muon for kernels, each gate of a ConvLSTM by itself, with Nesterov's momentum; Adam for other parameters."""

    def __init__(self, parameters, learning_rate=1e-3):
        self.momentum = {name: torch.zeros_like(p) for name, p in parameters.items() if "kernel" in name}
        self.adam = KerasAdam({name: p for name, p in parameters.items() if "kernel" not in name})
        self.learning_rate = learning_rate

    def update(self, parameters, gradients):
        for name, momentum in self.momentum.items():
            g = gradients[name]
            self.momentum[name] = momentum = 0.95 * momentum + 0.05 * g
            direction = 0.95 * momentum + 0.05 * g
            gates = 4 if g.ndim == 4 else 1
            steps = [orthogonalized(part) * 0.2 * max(part.shape) ** 0.5
                     for part in direction.reshape(-1, g.shape[-1]).chunk(gates, 1)]
            parameters[name] = parameters[name] - self.learning_rate * torch.cat(steps, 1).reshape(g.shape)
        self.adam.learning_rate = self.learning_rate
        self.adam.update(parameters, {name: g for name, g in gradients.items() if name not in self.momentum})


# ---- Files and random numbers

def safetensors(path, tensors, cases):
    header, offset = {"__metadata__": {"cases": json.dumps(cases)}}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + 4 * tensor.numel()]}
        offset += 4 * tensor.numel()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().numpy().astype("<f4").tobytes())


def normal(generator, *shape, scale=1.0, mean=0.0):
    """Float32 values, as float64."""
    return (mean + scale * torch.randn(*shape, generator=generator)).float().double()


def first_seed(first, make):
    """The result of `make` for the first seed without a value too close to a discontinuity."""
    for seed in itertools.count(first):
        try:
            return make(torch.Generator().manual_seed(seed))
        except TooClose:
            pass


def with_gradients(inputs, function):
    """Copies of the inputs that record gradients, and the outputs of the function."""
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    return leaves, function(**leaves)


# ---- The cases

def conv_lstm_case(number, case, rounding):
    def make(generator):
        kh, kw = case["kernel_size"]
        channels, filters = case["channels"], case["filters"]
        inputs = {
            "x": normal(generator, case["frames"], case["batch"], case["height"], case["width"], channels),
            "kernel": normal(generator, kh, kw, channels, 4 * filters, scale=1.5 / np.sqrt(kh * kw * channels)),
            "recurrent_kernel": normal(generator, kh, kw, filters, 4 * filters, scale=1 / np.sqrt(kh * kw * filters)),
            "bias": normal(generator, 4 * filters, scale=0.5),
        }
        leaves, h = with_gradients(inputs, lambda x, **weights: conv_lstm(case, x, rounding=rounding, **weights))
        dh = normal(generator, *h.shape)
        h.backward(dh)
        # A single frame does not use the recurrent kernel.
        return {**inputs, "dh": dh, "h": h,
                **{"d" + name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
                   for name, leaf in leaves.items()}}
    return first_seed(1000 * number, make)


def conv_lstm_settings(size, channels, filters, kernel, activations, frames, batch, strides=(1, 1), padding="same",
                       dilation=(1, 1)):
    return {"height": size[0], "width": size[1], "channels": channels, "filters": filters,
            "kernel_size": list(kernel), "strides": list(strides), "padding": padding, "dilation_rate": list(dilation),
            "activation": activations[0], "recurrent_activation": activations[1], "frames": frames, "batch": batch}


CONV_LSTM = {
    "3x3": conv_lstm_settings((7, 10), 1, 4, (3, 3), ("tanh", "sigmoid"), 4, 3),
    "5x5": conv_lstm_settings((9, 5), 3, 8, (5, 5), ("relu", "sigmoid"), 3, 1),
    "3x5": conv_lstm_settings((9, 5), 5, 3, (3, 5), ("tanh", "hard_sigmoid"), 3, 3),
    "1x1": conv_lstm_settings((7, 10), 3, 1, (1, 1), ("linear", "sigmoid"), 5, 3),
    "even-kernel": conv_lstm_settings((7, 6), 2, 3, (2, 4), ("sigmoid", "sigmoid"), 3, 2),
    "20-filters": conv_lstm_settings((7, 10), 3, 20, (3, 3), ("relu", "hard_sigmoid_keras2"), 2, 1),
    "strides-2-1": conv_lstm_settings((9, 5), 3, 3, (3, 3), ("tanh", "tanh"), 3, 3, strides=(2, 1)),
    "strides-2-2": conv_lstm_settings((7, 10), 5, 8, (5, 5), ("sigmoid", "relu"), 2, 1, strides=(2, 2)),
    "strides-beyond-kernel": conv_lstm_settings((8, 9), 3, 4, (1, 1), ("tanh", "sigmoid"), 3, 1, strides=(3, 2)),
    "strides-2-1-valid": conv_lstm_settings((9, 10), 1, 3, (3, 5), ("hard_sigmoid", "linear"), 3, 3, strides=(2, 1),
                                            padding="valid"),
    "strides-2-2-valid": conv_lstm_settings((8, 11), 3, 3, (3, 3), ("relu", "hard_sigmoid"), 3, 1, strides=(2, 2),
                                            padding="valid"),
    "valid": conv_lstm_settings((7, 10), 5, 4, (5, 5), ("hard_sigmoid_keras2", "sigmoid"), 3, 1, padding="valid"),
    "dilation-2": conv_lstm_settings((9, 5), 3, 4, (3, 3), ("tanh", "sigmoid"), 3, 1, dilation=(2, 2)),
    "dilation-2-1-valid": conv_lstm_settings((9, 6), 1, 4, (3, 3), ("relu", "sigmoid"), 3, 3, dilation=(2, 1),
                                             padding="valid"),
    "one-frame": conv_lstm_settings((7, 10), 3, 8, (3, 3), ("relu", "sigmoid"), 1, 3),
    "one-pixel": conv_lstm_settings((1, 1), 1, 1, (3, 3), ("tanh", "sigmoid"), 2, 1),
    # Multiples of 16 filters, for which a backend may use another algorithm: partial tiles at the edges, images in
    # several parts with margins, channels that fill vectors and others.
    "16-filters-5x5": conv_lstm_settings((6, 7), 3, 16, (5, 5), ("tanh", "sigmoid"), 3, 2),
    "16-filters-5x5-wide": conv_lstm_settings((9, 37), 1, 16, (5, 5), ("relu", "hard_sigmoid"), 2, 1),
    "32-filters-3x3": conv_lstm_settings((5, 9), 16, 32, (3, 3), ("relu", "sigmoid"), 3, 1),
    "16-filters-3x3-wide": conv_lstm_settings((10, 34), 2, 16, (3, 3), ("tanh", "hard_sigmoid_keras2"), 2, 1),
    "16-filters-1x1": conv_lstm_settings((5, 7), 18, 16, (1, 1), ("relu", "sigmoid"), 3, 2),
}

CONV_LSTM_BFLOAT16 = {
    "3x3": conv_lstm_settings((5, 4), 3, 4, (3, 3), ("tanh", "sigmoid"), 3, 1),
    "1x1": conv_lstm_settings((4, 3), 5, 3, (1, 1), ("relu", "hard_sigmoid"), 3, 2),
    "strides": conv_lstm_settings((7, 6), 1, 3, (3, 5), ("tanh", "sigmoid"), 3, 1, strides=(2, 2)),
    "16-filters-1x1": conv_lstm_settings((2, 2), 3, 16, (1, 1), ("tanh", "sigmoid"), 3, 1),
    "16-filters-3x3": conv_lstm_settings((2, 1), 1, 16, (3, 3), ("tanh", "sigmoid"), 2, 1),
}

CONV_3D = {
    "1x3x3-linear": dict(height=7, width=10, channels=3, filters=4, kernel_size=[1, 3, 3], activation="linear",
                         frames=3, batch=3),
    "2x3x3-tanh": dict(height=9, width=5, channels=1, filters=3, kernel_size=[2, 3, 3], activation="tanh",
                       frames=4, batch=3),
    "3x3x3-sigmoid": dict(height=7, width=10, channels=5, filters=1, kernel_size=[3, 3, 3], activation="sigmoid",
                          frames=5, batch=1),
    "3x3x3-relu": dict(height=9, width=5, channels=4, filters=20, kernel_size=[3, 3, 3], activation="relu",
                       frames=2, batch=1),
    "5x1x1-hard-sigmoid": dict(height=7, width=10, channels=3, filters=8, kernel_size=[5, 1, 1],
                               activation="hard_sigmoid", frames=4, batch=1),
    "3x1x1-hard-sigmoid-keras2": dict(height=7, width=10, channels=3, filters=2, kernel_size=[3, 1, 1],
                                      activation="hard_sigmoid_keras2", frames=1, batch=3),
    "4x2x5-tanh": dict(height=6, width=7, channels=2, filters=3, kernel_size=[4, 2, 5], activation="tanh",
                       frames=6, batch=1),
}

CONV_3D_BFLOAT16 = {
    "3x3x3-tanh": dict(height=5, width=4, channels=3, filters=2, kernel_size=[3, 3, 3], activation="tanh", frames=3,
                       batch=2),
    "1x3x3-sigmoid": dict(height=5, width=6, channels=8, filters=4, kernel_size=[1, 3, 3], activation="sigmoid",
                          frames=2, batch=1),
}


def conv_3d_case(number, case, rounding):
    def make(generator):
        kernel_shape = (*case["kernel_size"], case["channels"], case["filters"])
        inputs = {
            "x": normal(generator, case["frames"], case["batch"], case["height"], case["width"], case["channels"]),
            "kernel": normal(generator, *kernel_shape, scale=2 / np.sqrt(np.prod(kernel_shape[:4]))),
            "bias": normal(generator, case["filters"], scale=0.5),
        }
        leaves, y = with_gradients(inputs, lambda x, kernel, bias: conv3d(case, x, kernel, bias, rounding))
        dy = normal(generator, *y.shape)
        y.backward(dy)
        return {**inputs, "dy": dy, "y": y, **{"d" + name: leaf.grad for name, leaf in leaves.items()}}
    return first_seed(1000 * number, make)


def keras_layer_case(number, case):
    def make(generator):
        layer, channels = case["layer"], case["input"]["channels"]
        inputs = {"x": normal(generator, case["frames"], case["batch"], *case["input"].values(), scale=2)}
        inputs.update(network_parameters(generator, [layer], channels))
        inputs = {name.split(".")[-1]: value for name, value in inputs.items()}
        leaves, y = with_gradients(inputs, lambda **p: network_forward(
            [layer], {f"layers.0.{name}": value for name, value in p.items()}, p["x"], True, Exact()))
        dy = normal(generator, *y.shape)
        y.backward(dy)
        return {**inputs, "dy": dy, "y": y, **{"d" + name: leaf.grad for name, leaf in leaves.items()}}
    return first_seed(1000 * number, make)


def block_matching_settings(size, block, reach, window, frames, batch, noise):
    return {"height": size[0], "width": size[1], "channels": size[2], "block_size": block, "max_displacement": reach,
            "window": window, "frames": frames, "batch": batch, "noise": noise}


BLOCK_MATCHING = {
    "defaults": block_matching_settings((16, 20, 1), 4, 4, 5, 3, 2, 0.05),
    # Far from the bright spot all costs are nearly the same.
    "empty": block_matching_settings((24, 24, 1), 4, 3, 3, 2, 1, 0),
    "colours": block_matching_settings((8, 6, 3), 2, 3, 3, 4, 1, 0.1),
    "window-1": block_matching_settings((10, 15, 3), 5, 2, 1, 2, 3, 0.1),
    # More blocks in a row than a vector has lanes, and a part of one.
    "wide": block_matching_settings((4, 76, 1), 4, 1, 5, 2, 1, 0.1),
    "pixels": block_matching_settings((4, 17, 2), 1, 2, 3, 2, 1, 0.2),
    # A window larger than the image, and displacements that lead out of it.
    "far": block_matching_settings((6, 10, 1), 2, 11, 7, 3, 1, 0.01),
    "one-block": block_matching_settings((3, 3, 1), 3, 2, 1, 2, 1, 0.2),
}


def block_matching_case(number, case):
    generator = torch.Generator().manual_seed(number)
    shape = [case[name] for name in ("frames", "batch", "height", "width", "channels")]
    x = (blobs(generator, *shape) + case["noise"] * torch.randn(*shape, generator=generator)).float().double()
    return {"x": x, "y": block_matching(x, case["block_size"], case["max_displacement"], case["window"])}


BATCH_NORM = {
    "3-channels": dict(height=7, width=10, channels=3, frames=3, batch=3, mean=0.5, deviation=2),
    "1-channel": dict(height=9, width=5, channels=1, frames=1, batch=1, mean=-1, deviation=0.5),
    "20-channels": dict(height=9, width=5, channels=20, frames=2, batch=3, mean=0, deviation=1),
    "large-mean": dict(height=9, width=5, channels=5, frames=4, batch=1, mean=100, deviation=0.1),
}


def batch_norm_case(number, case):
    generator = torch.Generator().manual_seed(number)
    channels = case["channels"]
    shape = (case["frames"], case["batch"], case["height"], case["width"], channels)
    spread = case["deviation"]
    inputs = {
        "x": normal(generator, *shape, scale=spread, mean=case["mean"]),
        "gamma": normal(generator, channels, scale=0.2, mean=1),
        "beta": normal(generator, channels),
    }
    leaves, y = with_gradients(inputs, lambda x, gamma, beta: batch_norm(x, gamma, beta, *statistics(x)))
    dy = normal(generator, *shape)
    y.backward(dy)
    moving_mean = normal(generator, channels, scale=spread, mean=case["mean"])
    moving_variance = (spread * normal(generator, channels).abs() + spread / 4).float().double()
    mean, variance = statistics(inputs["x"])
    return {**inputs, "dy": dy, "moving_mean": moving_mean, "moving_variance": moving_variance,
            "y_training": y, **{"d" + name: leaf.grad for name, leaf in leaves.items()},
            "new_moving_mean": 0.99 * moving_mean + 0.01 * mean,
            "new_moving_variance": 0.99 * moving_variance + 0.01 * variance,
            "y_inference": batch_norm(inputs["x"], inputs["gamma"], inputs["beta"], moving_mean, moving_variance)}


def loss_cases():
    generator = torch.Generator().manual_seed(1)
    ends = [0, 1, 0.25]
    logits = list(itertools.product([-100, -40, -17, -1e-4, 0, 1e-4, 17, 40, 100], ends))
    # The float32 neighbours of the clipping limits, and values beyond the limits.
    probabilities = list(itertools.product([0, 1e-8, 1.5e-7, 1e-3, 0.5, 1 - 1e-3, 1 - 2.4e-7, 1], ends))
    random = 1500  # enough for full vectors and a remainder
    targets = torch.rand(random, generator=generator).float().double()
    outputs = {
        "binary_crossentropy_from_logits": (logits, normal(generator, random, scale=3)),
        "binary_crossentropy": (probabilities, torch.rand(random, generator=generator).float().double()),
        "mean_squared_error": (logits, normal(generator, random)),
    }
    tensors, cases = {}, {}
    for name, (special, values) in outputs.items():
        for kind, y, t in [("special", *torch.tensor(special).float().double().T), ("random", values, targets)]:
            y = y.clone().requires_grad_()
            loss = LOSSES[name](y, t)
            loss.backward()
            case = name + "-" + kind
            cases[case] = {"loss": name, "value": loss.item()}
            tensors.update({case + ".outputs": y, case + ".targets": t, case + ".gradient": y.grad})
    return tensors, cases


def adam_case():
    """Gradients from far below epsilon to large, some of them zero; half of the parameters start at zero."""
    generator = torch.Generator().manual_seed(1)
    count, steps = 60, 6
    scale = 10.0 ** torch.linspace(-9, 2, count)
    gradients = (normal(generator, steps, count) * scale).float().double()
    gradients[:, 7] = 0
    start = normal(generator, count)
    start[::2] = 0
    parameters = {"p": start}
    adam = KerasAdam(parameters)
    rows = {"p": [], "m": [], "v": []}
    for g in gradients:
        adam.update(parameters, {"p": g})
        for name, row in [("p", parameters["p"]), ("m", adam.m["p"]), ("v", adam.v["p"])]:
            rows[name].append(row)
    return {"start": start, "gradients": gradients, **{name: torch.stack(row) for name, row in rows.items()}}


# Kernels of a ConvLSTM (four axes) and of convolutions. Rows and columns of a matrix: (18, 3), (63, 2), (3, 40),
# (5, 1), (1, 6), (20, 35), (90, 70).
MUON = {
    "gates": [3, 3, 2, 12], "one-gate-column": [3, 3, 7, 8], "wide": [1, 1, 1, 3, 40], "column": [1, 1, 1, 5, 1],
    "row": [1, 1, 1, 1, 6], "two-tiles": [1, 1, 1, 20, 35], "tiles": [1, 3, 3, 10, 70],
}


def muon_case(number, shape):
    """One kernel; the gradients are large and small, and zero in the second step."""
    generator = torch.Generator().manual_seed(number)
    start = normal(generator, *shape)
    gradients = torch.stack([normal(generator, *shape, scale=scale) for scale in (1, 0, 1e-3, 1e4)])
    parameters = {"kernel": start}
    muon = Muon(parameters, learning_rate=0.01)
    rows = {"p": [], "m": []}
    for g in gradients:
        muon.update(parameters, {"kernel": g})
        rows["p"].append(parameters["kernel"])
        rows["m"].append(muon.momentum["kernel"])
    return {"start": start, "gradients": gradients, **{name: torch.stack(row) for name, row in rows.items()}}


# ---- Whole networks

def lstm(filters, kernel, activation, recurrent="sigmoid", **more):
    return {"type": "ConvLSTM2D", "filters": filters, "kernel_size": [kernel, kernel], "padding": "same",
            "strides": [1, 1], "dilation_rate": [1, 1], "activation": activation, "recurrent_activation": recurrent,
            **more}


NORM = {"type": "BatchNormalization"}

NETWORKS = {
    # The reference network, small.
    "keras": dict(
        input=(10, 6, 1), frames=5, loss="binary_crossentropy",
        layers=[lstm(4, 5, "relu"), NORM, lstm(4, 3, "relu"), NORM, lstm(4, 1, "relu"),
                {"type": "Conv3D", "filters": 1, "kernel_size": [3, 3, 3], "activation": "sigmoid"}]),
    # The first layer has no parameters; the sigmoid is not in the last layer.
    "patches": dict(
        input=(6, 10, 1), frames=4, loss="binary_crossentropy",
        layers=[{"type": "SpaceToDepth", "block_size": 2}, lstm(6, 3, "tanh"),
                {"type": "Conv3D", "filters": 4, "kernel_size": [1, 3, 3], "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 2}]),
    # Gradients through Conv3D, strides and dilation; mean squared error.
    "middle": dict(
        input=(9, 7, 3), frames=4, loss="mean_squared_error",
        layers=[lstm(3, 3, "tanh", strides=[2, 1]),
                {"type": "Conv3D", "filters": 4, "kernel_size": [3, 3, 3], "activation": "tanh"}, NORM,
                lstm(2, 3, "hard_sigmoid_keras2", "hard_sigmoid", dilation_rate=[2, 2], padding="valid")]),
    # Cross-entropy without logits.
    "probabilities": dict(
        input=(5, 8, 1), frames=3, loss="binary_crossentropy", layers=[lstm(3, 3, "relu"), lstm(1, 3, "sigmoid")]),
    # The reference network with filters in multiples of 16 (and tanh: with this many relus, some are always near 0).
    "keras-16-filters": dict(
        input=(10, 6, 1), frames=5, loss="binary_crossentropy",
        layers=[lstm(16, 5, "tanh"), NORM, lstm(16, 3, "tanh"), NORM, lstm(16, 1, "tanh"),
                {"type": "Conv3D", "filters": 1, "kernel_size": [3, 3, 3], "activation": "sigmoid"}]),
}

# Layers with names and inputs.
def layered_advection_case(number, case):
    def make(generator):
        frames, batch, height, width, channels = (case[name] for name in
                                                  ("frames", "batch", "height", "width", "channels"))
        patches, layers = (height // case["block"], width // case["block"]), case["layers"]
        inputs = {
            "x": normal(generator, frames, batch, height, width, channels, scale=0.5, mean=0.5),
            "gates": normal(generator, frames, batch, height, width, layers + 1),
            "filters": normal(generator, frames, batch, *patches, layers * 2 * (2 * case["max_displacement"] + 1)),
            "flow": normal(generator, frames, batch, *patches, case["flow_channels"]),
        }
        leaves, y = with_gradients(inputs, lambda **inputs: layered_advection(case, **inputs, strict=True))
        dy = normal(generator, *y.shape)
        y.backward(dy)
        return {**inputs, "dy": dy, "y": y, **{"d" + name: leaf.grad for name, leaf in leaves.items()}}
    return first_seed(1000 * number, make)


# Frames of one and of several channels; patches larger than the displacement, and smaller; rows of values that fill
# vectors, and others; displacements beyond the image.
LAYERED_ADVECTION = {
    "grey": dict(height=8, width=12, channels=1, block=4, flow_channels=2, layers=2, max_displacement=2,
                 flow_precision=0.5, frames=4, batch=2),
    "colour": dict(height=6, width=8, channels=3, block=2, flow_channels=3, layers=3, max_displacement=3,
                   flow_precision=0.25, frames=3, batch=2),
    "odd": dict(height=9, width=3, channels=2, block=3, flow_channels=4, layers=2, max_displacement=4,
                flow_precision=1, frames=3, batch=1),
    "pixels": dict(height=3, width=5, channels=1, block=1, flow_channels=2, layers=1, max_displacement=1,
                   flow_precision=0, frames=5, batch=3),
}
GRAPHS = {
    # Outputs that several layers read, whose gradients are added; batch normalisation between them, which may overwrite
    # gradients; and patches of the input beside what has parameters.
    "skips": dict(
        input=(8, 6, 1), frames=4, loss="binary_crossentropy",
        layers=[{"type": "SpaceToDepth", "block_size": 2, "name": "patches"}, lstm(4, 3, "tanh", name="a"),
                {**NORM, "name": "n"}, lstm(4, 3, "tanh"), {**NORM, "name": "b"},
                {"type": "Add", "name": "s", "inputs": ["b", "n", "a"]}, {**NORM, "name": "m"},
                {"type": "Concatenate", "inputs": ["m", "s", "patches"]},
                {"type": "Conv3D", "filters": 4, "kernel_size": [3, 3, 3], "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 2}]),
    # Branches of different sizes and reach in time, an output that a layer reads twice, and a sum with the input.
    "branches": dict(
        input=(6, 5, 2), frames=5, loss="mean_squared_error",
        layers=[{"type": "Conv3D", "filters": 3, "kernel_size": [1, 3, 3], "activation": "tanh", "name": "e"},
                {"type": "Conv3D", "filters": 5, "kernel_size": [3, 1, 3], "activation": "tanh", "name": "near"},
                lstm(16, 3, "tanh", name="h", inputs=["e"]),
                {"type": "Concatenate", "inputs": ["near", "input", "h"]},
                {"type": "Conv3D", "filters": 2, "kernel_size": [2, 3, 1], "activation": "linear", "name": "d"},
                {"type": "Add", "inputs": ["input", "d", "d"]}]),
    # Layers that move by filters of a ConvLSTM's, and towards a flow.
    "layers": dict(
        input=(8, 8, 2), frames=5, loss="mean_squared_error",
        layers=[{"type": "Conv3D", "filters": 3, "kernel_size": [1, 3, 3], "activation": "linear", "name": "gates"},
                {"type": "SpaceToDepth", "block_size": 2, "name": "patches", "inputs": ["input"]},
                lstm(4, 3, "tanh", name="h"),
                {"type": "Conv3D", "filters": 20, "kernel_size": [1, 1, 1], "activation": "linear", "name": "filters"},
                {"type": "Conv3D", "filters": 2, "kernel_size": [1, 3, 3], "activation": "linear", "name": "flow",
                 "inputs": ["h"]},
                {"type": "LayeredAdvection2D", "layers": 2, "max_displacement": 2, "flow_precision": 0.3,
                 "inputs": ["input", "gates", "filters", "flow"]}]),
    # Motion beside patches: neither needs a gradient.
    "motion": dict(
        input=(8, 12, 1), frames=4, loss="binary_crossentropy",
        layers=[{"type": "SpaceToDepth", "block_size": 2, "name": "patches"},
                {"type": "BlockMatching2D", "block_size": 2, "max_displacement": 2, "window": 3, "name": "motion",
                 "inputs": ["input"]},
                {"type": "Concatenate", "inputs": ["patches", "motion"]}, lstm(4, 3, "tanh"),
                {"type": "Conv3D", "filters": 4, "kernel_size": [1, 3, 3], "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 2}]),
}
VIDEOS, BATCH, STEPS = 7, 3, 20


def network_forward(layers, parameters, x, training, rounding, moving=None):
    """The output; with `moving`, also the new moving averages."""
    named = {"input": x}
    for k, layer in enumerate(layers):
        inputs = [named[name] for name in layer["inputs"]] if "inputs" in layer else [x]
        x = inputs[0]
        p = {name.split(".")[2]: value for name, value in parameters.items() if name.startswith(f"layers.{k}.")}
        if layer["type"] == "ConvLSTM2D":
            x = conv_lstm(layer, x, p["kernel"], p["recurrent_kernel"], p["bias"], rounding)
        elif layer["type"] == "Conv3D":
            x = conv3d(layer, x, p["kernel"], p["bias"], rounding)
        elif layer["type"] == "SpaceToDepth":
            x = space_to_depth(x, layer["block_size"])
        elif layer["type"] == "DepthToSpace":
            x = depth_to_space(x, layer["block_size"])
        elif layer["type"] == "BlockMatching2D":
            x = block_matching(x, layer["block_size"], layer["max_displacement"], layer["window"])
        elif layer["type"] == "Add":
            x = sum(inputs)
        elif layer["type"] == "Concatenate":
            x = torch.cat(inputs, dim=-1)
        elif layer["type"] == "LayeredAdvection2D":
            x = layered_advection(layer, *inputs, rounding.strict)
        elif layer["type"] in keras_layers.LAYERS:
            x = keras_layers.LAYERS[layer["type"]](layer, x, p, rounding)
        else:
            mean, variance = statistics(x) if training else (p["moving_mean"], p["moving_variance"])
            if moving is not None:
                for name, value in [("moving_mean", mean), ("moving_variance", variance)]:
                    moving[f"layers.{k}.{name}"] = 0.99 * p[name] + 0.01 * value.detach()
            x = batch_norm(x, p["gamma"], p["beta"], mean, variance)
        named[layer.get("name")] = x
    return x


def network_parameters(generator, layers, channels):
    parameters = {}
    named = {"input": channels}
    for k, layer in enumerate(layers):
        p = {}
        inputs = [named[name] for name in layer["inputs"]] if "inputs" in layer else [channels]
        channels = inputs[0]
        if layer["type"] in ("ConvLSTM2D", "Conv3D"):
            outputs = layer["filters"] * (4 if layer["type"] == "ConvLSTM2D" else 1)
            field = layer["kernel_size"]
            p["kernel"] = normal(generator, *field, channels, outputs, scale=1 / np.sqrt(np.prod(field) * channels))
            if layer["type"] == "ConvLSTM2D":
                filters = layer["filters"]
                p["recurrent_kernel"] = normal(generator, *field, filters, outputs,
                                               scale=0.7 / np.sqrt(np.prod(field) * filters))
            p["bias"] = normal(generator, outputs, scale=0.2)
            channels = layer["filters"]
        elif layer["type"] == "BatchNormalization":
            p = {"gamma": normal(generator, channels, scale=0.2, mean=1),
                 "beta": normal(generator, channels, scale=0.2),
                 "moving_mean": normal(generator, channels, scale=0.2),
                 "moving_variance": (0.5 + normal(generator, channels).abs()).float().double()}
        elif layer["type"] == "Conv3DTranspose":
            field = layer["kernel_size"]
            p = {"kernel": normal(generator, *field, layer["filters"], channels,
                                  scale=1 / np.sqrt(np.prod(field) * channels)),
                 "bias": normal(generator, layer["filters"], scale=0.2)}
            channels = layer["filters"]
        elif layer["type"] == "LayerNormalization":
            p = {"gamma": normal(generator, channels, scale=0.2, mean=1),
                 "beta": normal(generator, channels, scale=0.2)}
        elif layer["type"] == "SpaceToDepth":
            channels *= layer["block_size"] ** 2
        elif layer["type"] == "BlockMatching2D":
            channels = 3
        elif layer["type"] == "Concatenate":
            channels = sum(inputs)
        elif layer["type"] == "DepthToSpace":
            channels //= layer["block_size"] ** 2
        named[layer.get("name")] = channels
        parameters.update({f"layers.{k}.{name}": value for name, value in p.items()})
    return parameters


def blobs(generator, frames, videos, height, width, channels):
    """A bright spot that drifts, in a random direction for each video and channel; in [0, 1]."""
    position = torch.rand(2, 1, videos, 1, 1, channels, generator=generator) \
        + 0.1 * torch.randn(2, 1, videos, 1, 1, channels, generator=generator) \
        * torch.arange(frames).reshape(1, frames, 1, 1, 1, 1)
    y = torch.arange(height).reshape(height, 1, 1) - position[0] * height
    x = torch.arange(width).reshape(width, 1) - position[1] * width
    return torch.exp(-(x * x + y * y) / 4).float().double()


def logits_of(case):
    """The layers to train, and the loss to compute."""
    conv = [k for k, layer in enumerate(case["layers"]) if layer["type"] in ("Conv3D", "Activation")]
    if case["loss"] == "binary_crossentropy" and conv and case["layers"][conv[-1]]["activation"] == "sigmoid":
        layers = [dict(layer) for layer in case["layers"]]
        layers[conv[-1]]["activation"] = "linear"
        return layers, "binary_crossentropy_from_logits"
    return case["layers"], case["loss"]


def gradients_of(layers, loss, parameters, x, targets, rounding):
    """Output, loss, gradients and new moving averages of a training step."""
    leaves = {name: p.clone().requires_grad_("moving" not in name) for name, p in parameters.items()}
    moving = {}
    y = network_forward(layers, leaves, x, True, rounding, moving)
    value = LOSSES[loss](y, targets)
    value.backward()
    return y, value.item(), {name: p.grad for name, p in leaves.items() if p.requires_grad}, moving


def training_losses(case, parameters, x, targets, rounding):
    layers, loss = logits_of(case)
    parameters = dict(parameters)
    adam = KerasAdam({name: p for name, p in parameters.items() if "moving" not in name})
    losses = []
    first = 0
    for _ in range(STEPS):
        batch = slice(first, min(first + BATCH, VIDEOS))
        _, value, gradients, moving = gradients_of(layers, loss, parameters, x[:, batch], targets[:, batch], rounding)
        losses.append(value)
        adam.update(parameters, gradients)
        parameters.update(moving)
        first = batch.stop % VIDEOS
    return losses


def network_case(number, case):
    def make(generator):
        height, width, channels = case["input"]
        videos = blobs(generator, case["frames"] + 1, VIDEOS, height, width, channels)
        parameters = network_parameters(generator, case["layers"], channels)
        x = videos[:-1]
        outputs = network_forward(case["layers"], parameters, x[:, :BATCH], False, Exact())
        if outputs.shape[2:] == x.shape[2:]:
            targets = videos[1:]
        else:
            targets = torch.rand(case["frames"], VIDEOS, *outputs.shape[2:], generator=generator).float().double()
        y, value, gradients, moving = gradients_of(*logits_of(case), parameters, x[:, :BATCH], targets[:, :BATCH],
                                                   Exact())
        settings = {
            "model": {"input": dict(zip(("height", "width", "channels"), case["input"])), "layers": case["layers"]},
            "loss": case["loss"], "frames": case["frames"], "videos": VIDEOS, "batch": BATCH, "first_loss": value,
            "losses": training_losses(case, parameters, x, targets, Exact(strict=False)),
            "losses_bfloat16": training_losses(case, parameters, x, targets, BFloat16(strict=False)),
        }
        tensors = {"x": x, "targets": targets, "outputs": outputs, "training_outputs": y}
        for kind, named in [("value", parameters), ("gradient", gradients), ("moving", moving)]:
            tensors.update({f"{kind}.{name}": tensor for name, tensor in named.items()})
        return tensors, settings
    return first_seed(1000 * number, make)


# ---- Whole runs of the trainer

SAMPLING = dict(
    input=(6, 8, 1), frames=7, loss="binary_crossentropy", videos=5, validation=2, batch=2, epochs=3,
    learning_rate=0.01, schedule="cosine", sampling=[0.4, 0.4],
    layers=[lstm(3, 3, "tanh"), NORM,
            {"type": "Conv3D", "filters": 1, "kernel_size": [3, 3, 3], "activation": "sigmoid"}])


# What `framecast train` has beside it; a run may combine all of these. The loss of "forecast" is that of the frames
# after the context. The last layer of "probabilities" is no Conv3D: there are no logits.
RECIPES = {
    "everything": dict(
        input=(6, 8, 1), frames=7, loss="binary_crossentropy", videos=5, validation=2, batch=2, epochs=4,
        learning_rate=0.01, schedule="cosine", warmup=0.3, clip_norm=0.9, ema=0.9, sampling=[0.1, 0.6], context=2,
        loss_frames="forecast",
        layers=[lstm(3, 3, "tanh"), NORM,
                {"type": "Conv3D", "filters": 1, "kernel_size": [3, 3, 3], "activation": "sigmoid"}]),
    "squared-error": dict(
        input=(6, 8, 1), frames=6, loss="mean_squared_error", videos=4, validation=1, batch=1, epochs=2,
        learning_rate=0.01, schedule="constant", warmup=0.4, ema=0.5, sampling=[0.5, 0.5], context=4,
        layers=[{"type": "SpaceToDepth", "block_size": 2}, lstm(6, 3, "tanh"),
                {"type": "Conv3D", "filters": 4, "kernel_size": [1, 3, 3], "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 2}]),
    "muon": dict(
        input=(6, 8, 1), frames=6, loss="mean_squared_error", videos=4, validation=1, batch=2, epochs=3,
        optimizer="muon", learning_rate=0.01, schedule="cosine", ema=0.5, sampling=[1, 1],
        layers=[{"type": "SpaceToDepth", "block_size": 2}, lstm(6, 3, "tanh"), NORM,
                {"type": "Conv3D", "filters": 4, "kernel_size": [1, 3, 3], "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 2}]),
    "probabilities": dict(
        input=(5, 8, 1), frames=5, loss="binary_crossentropy", videos=3, validation=1, batch=2, epochs=3,
        learning_rate=0.02, schedule="cosine", clip_norm=0.1, ema=0.999, sampling=[1, 1], loss_frames="forecast",
        layers=[lstm(3, 3, "tanh"), lstm(1, 3, "sigmoid")]),
}


class JavaRandom:
    """java.util.Random, for its numbers in [0, 1)."""

    def __init__(self, seed):
        self.state = (seed ^ 0x5deece66d) & (1 << 48) - 1

    def next(self, bits):
        self.state = (self.state * 0x5deece66d + 0xb) & (1 << 48) - 1
        return self.state >> 48 - bits

    def double(self):
        return ((self.next(26) << 27) + self.next(27)) / (1 << 53)


def mixed_seed(*parts):
    """One seed from several, by the finaliser of SplitMix64."""
    mask, z = (1 << 64) - 1, 0
    for part in parts:
        z = z + part + 0x9e3779b97f4a7c15 & mask
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
        z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
        z ^= z >> 31
    return z


def sampled_inputs(layers, parameters, videos, context, predicted=lambda t, n: True):
    """The true frames of the context, then the network's predictions, one after another. No gradient.

    `predicted` says which: of the others, the true frames stay."""
    inputs = [frame.clone() for frame in videos[:-1]]
    with torch.no_grad():
        for t in range(context, len(inputs)):
            prediction = network_forward(layers, parameters, torch.stack(inputs[:t]), False, Exact())[-1]
            for n in range(videos.shape[1]):
                if predicted(t, n):
                    inputs[t][n] = prediction[n]
    return torch.stack(inputs)


def rise(share, first, last):
    """Scheduled sampling's probability of a prediction."""
    if first == 1:
        return 0.0
    return 1.0 if share >= last else 0.0 if share <= first else (share - first) / (last - first)


def training_run(case):
    """A run of the trainer, with the seed 1 and without shuffling."""
    generator = torch.Generator().manual_seed(11)
    videos = blobs(generator, case["frames"], case["videos"] + case["validation"], *case["input"])
    start = network_parameters(generator, case["layers"], case["input"][2])
    training, validation = videos[:, :case["videos"]], videos[:, case["videos"]:]
    layers, loss = logits_of(case)
    parameters, average = dict(start), dict(start)
    trained = {name: p for name, p in parameters.items() if "moving" not in name}
    optimizer = Muon(trained) if case.get("optimizer") == "muon" else KerasAdam(trained)
    batches = -(-case["videos"] // case["batch"])
    steps = case["epochs"] * batches
    context = case.get("context", case["frames"] // 2)
    counted = context - 1 if case.get("loss_frames") == "forecast" else 0
    rising = int(case.get("warmup", 0) * steps + 0.5)
    losses, validation_losses, rates, norms, shares = [], [], [], [], []
    for step in range(steps):
        first = step % batches * case["batch"]
        batch = training[:, first:first + case["batch"]]
        probability = rise(step / steps, *case["sampling"])
        random = JavaRandom(mixed_seed(1, step + 1))
        drawn = {(t, n): random.double() < probability
                 for t in range(context, case["frames"] - 1) for n in range(batch.shape[1])}
        shares.append(sum(drawn.values()) / max(1, len(drawn)))
        x = sampled_inputs(case["layers"], parameters, batch, context, lambda t, n: drawn[t, n])
        if step < rising:
            factor = (step + 1) / rising
        elif case["schedule"] == "cosine":
            factor = 0.5 * (1 + np.cos(np.pi * (step - rising) / (steps - rising)))
        else:
            factor = 1
        optimizer.learning_rate = case["learning_rate"] * factor
        leaves = {name: p.clone().requires_grad_("moving" not in name) for name, p in parameters.items()}
        moving = {}
        y = network_forward(layers, leaves, x, True, Exact(strict=False), moving)
        value = LOSSES[loss](y[counted:], batch[1:][counted:])
        value.backward()
        losses.append(value.item())
        gradients = {name: p.grad for name, p in leaves.items() if p.requires_grad}
        if "clip_norm" in case:
            norms.append(np.sqrt(sum((g * g).sum().item() for g in gradients.values())))
            gradients = {name: g * case["clip_norm"] / max(case["clip_norm"], norms[-1])
                         for name, g in gradients.items()}
        optimizer.update(parameters, gradients)
        parameters.update(moving)
        if "ema" in case:
            decay = min(case["ema"], (1 + step + 1) / (10 + step + 1))
            average = {name: decay * average[name] + (1 - decay) * p for name, p in parameters.items()}
        else:
            average = parameters
        if (step + 1) % batches == 0:
            # Validation uses sampled frames from the first epoch on.
            x = validation[:-1]
            if case["sampling"][0] < 1:
                x = sampled_inputs(case["layers"], average, validation, context)
            y = network_forward(layers, average, x, False, Exact(strict=False))
            validation_losses.append(LOSSES[loss](y[counted:], validation[1:][counted:]).item())
            rates.append(optimizer.learning_rate)
    # A limit that no gradient reaches, or all do, would leave one half of the formula without a test.
    assert not norms or min(norms) < case["clip_norm"] < max(norms), norms
    assert case["sampling"][0] == case["sampling"][1] or any(0 < share < 1 for share in shares), shares
    settings = {key: value for key, value in case.items() if key not in ("input", "layers")}
    settings.update(model={"input": dict(zip(("height", "width", "channels"), case["input"])),
                           "layers": case["layers"]},
                    losses=losses, validation_losses=validation_losses, rates=rates)
    if any(shares) and not shares[0]:
        settings["begins"] = 1 + next(k for k in range(steps) if rise(k / steps, *case["sampling"]) > 0)
    results = {"videos": videos, **{f"value.{name}": p for name, p in start.items()}}
    if "ema" in case:
        results.update({f"average.{name}": p for name, p in average.items()})
        results.update({f"weights.{name}": p for name, p in parameters.items()})
    return results, settings


# ---- Main

def main(folder):
    def write(name, results, cases):
        tensors = {f"{case}.{tensor}": value for case, result in results.items() for tensor, value in result.items()}
        safetensors(f"{folder}/{name}.safetensors", tensors, cases)

    def write_each(name, cases, make, *rounding):
        write(name, {case: make(k, settings, *rounding) for k, (case, settings) in enumerate(cases.items())}, cases)

    write_each("conv_lstm", CONV_LSTM, conv_lstm_case, Exact())
    write_each("conv_lstm_bfloat16", CONV_LSTM_BFLOAT16, conv_lstm_case, BFloat16())
    write_each("conv3d", CONV_3D, conv_3d_case, Exact())
    write_each("conv3d_bfloat16", CONV_3D_BFLOAT16, conv_3d_case, BFloat16())
    write_each("block_matching", BLOCK_MATCHING, block_matching_case)
    write_each("batch_norm", BATCH_NORM, batch_norm_case)
    write_each("layered_advection", LAYERED_ADVECTION, layered_advection_case)
    tensors, cases = loss_cases()
    safetensors(f"{folder}/losses.safetensors", tensors, cases)
    safetensors(f"{folder}/adam.safetensors", adam_case(), {})
    write("muon", {case: muon_case(k, shape) for k, (case, shape) in enumerate(MUON.items())}, MUON)
    for name, cases in [("scheduled_sampling", {"run": SAMPLING}), ("recipes", RECIPES)]:
        runs = {case: training_run(settings) for case, settings in cases.items()}
        write(name, {case: tensors for case, (tensors, _) in runs.items()},
              {case: settings for case, (_, settings) in runs.items()})
    write_each("keras_layers", keras_layers.CASES, keras_layer_case)
    for file, cases in [("networks", NETWORKS), ("graphs", GRAPHS), ("keras_networks", keras_layers.NETWORKS)]:
        networks = {name: network_case(k, case) for k, (name, case) in enumerate(cases.items())}
        write(file, {name: tensors for name, (tensors, _) in networks.items()},
              {name: settings for name, (_, settings) in networks.items()})


if __name__ == "__main__":
    main(sys.argv[1])
