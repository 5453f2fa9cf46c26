"""The layers that Keras has beside ConvLSTM2D, Conv3D and BatchNormalization, in PyTorch: for make_golden.py.

Videos are (frames, batch, height, width, channels), kernels as Keras has them.
"""
import torch
import torch.nn.functional as F

KINK_MARGIN = 1e-5


class TooClose(Exception):
    """A value is so close to a discontinuity that float32 rounding could cross it."""


def require_clear(distance, strict):
    """That no distance to a discontinuity is small. Zeros stay exact zeros in later layers."""
    distance = distance.detach().abs()
    if strict and ((distance < KINK_MARGIN) & (distance > 0)).any():
        raise TooClose


def same_padding(size, kernel, stride=1, dilation=1):
    output = -(-size // stride)
    total = max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def conv3d_transpose(layer, x, kernel):
    """Kernel (frames, height, width, out, in). What TensorFlow crops at the beginning is half of what is too much."""
    x, kernel = x.permute(1, 4, 0, 2, 3), kernel.permute(4, 3, 0, 1, 2)
    strides = layer.get("strides", [1, 1, 1])
    y = F.conv_transpose3d(x, kernel, stride=strides)
    for axis, (size, k, stride) in enumerate(zip(x.shape[2:], kernel.shape[2:], strides), 2):
        same = layer.get("padding", "same") == "same"
        length = size * stride + (0 if same else max(k - stride, 0))
        first = max(k - stride, 0) // 2 if same else 0
        y = y.narrow(axis, first, min(length, y.shape[axis] - first))
        y = F.pad(y, [0, 0] * (4 - axis) + [0, length - y.shape[axis]])
    return y.permute(2, 0, 3, 4, 1)


def windows(layer, x, padding_value):
    """x (images, channels, height, width): the values of each window, (..., out height, out width, values)."""
    size, strides = layer["pool_size"][1:], layer.get("strides", layer["pool_size"])[1:]
    if layer.get("padding", "valid") == "same":
        (top, bottom), (left, right) = [same_padding(*axis) for axis in zip(x.shape[2:], size, strides)]
        x = F.pad(x, (left, right, top, bottom), value=padding_value)
    return x.unfold(2, size[0], strides[0]).unfold(3, size[1], strides[1]).flatten(4)


def on_images(function, x):
    """A function of images (n, channels, height, width) on each frame."""
    y = function(x.flatten(0, 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return y.reshape(*x.shape[:2], *y.shape[1:])


def max_pooling(layer, x, strict):
    def pool(x):
        values = windows(layer, x, -torch.inf)
        if values.shape[-1] > 1:
            best = values.detach().topk(2).values
            require_clear(best[..., 0] - best[..., 1], strict)
        return values.amax(-1)
    return on_images(pool, x)


def average_pooling(layer, x):
    return on_images(lambda x: windows(layer, x, 0).sum(-1) / windows(layer, torch.ones_like(x), 0).sum(-1), x)


def up_sampling(layer, x):
    size = layer["size"][1:]
    if layer.get("interpolation", "nearest") == "nearest":
        return x.repeat_interleave(size[0], 2).repeat_interleave(size[1], 3)
    return on_images(lambda x: F.interpolate(x, scale_factor=size, mode="bilinear", align_corners=False), x)


KINKS = {"relu": [0], "relu6": [0, 6], "hard_sigmoid": [-3, 3], "hard_sigmoid_keras2": [-2.5, 2.5],
         "selu": [0]}

ACTIVATIONS = {
    "linear": lambda x: x, "relu": torch.relu, "relu6": F.relu6, "elu": F.elu, "selu": F.selu, "silu": F.silu,
    "gelu": F.gelu, "softplus": F.softplus, "sigmoid": torch.sigmoid, "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
    "hard_sigmoid_keras2": lambda x: torch.clamp(0.2 * x + 0.5, 0, 1), "tanh": torch.tanh, "exponential": torch.exp,
}


def activate(name, x, strict):
    for kink in KINKS.get(name, []):
        require_clear(x - kink, strict)
    return ACTIVATIONS[name](x)


def leaky_relu(layer, x, strict):
    require_clear(x, strict)
    return F.leaky_relu(x, layer.get("negative_slope", 0.3))


def with_activation(layer, x, strict):
    return activate(layer.get("activation", "linear"), x, strict)


# By type: the output for an input and parameters. `rounding` is one of make_golden.py, for operands of convolutions.
LAYERS = {
    "Conv3DTranspose": lambda layer, x, p, rounding: with_activation(layer, p["bias"] + rounding.gradient(
        conv3d_transpose(layer, rounding.operand(x), rounding.operand(p["kernel"]))), rounding.strict),
    "MaxPooling3D": lambda layer, x, p, rounding: max_pooling(layer, x, rounding.strict),
    "AveragePooling3D": lambda layer, x, p, rounding: average_pooling(layer, x),
    "UpSampling3D": lambda layer, x, p, rounding: up_sampling(layer, x),
    "LayerNormalization": lambda layer, x, p, rounding: F.layer_norm(
        x, x.shape[-1:], p["gamma"], p["beta"], layer.get("epsilon", 1e-3)),
    "Activation": lambda layer, x, p, rounding: with_activation(layer, x, rounding.strict),
    "LeakyReLU": lambda layer, x, p, rounding: leaky_relu(layer, x, rounding.strict),
    "Rescaling": lambda layer, x, p, rounding: layer["scale"] * x + layer.get("offset", 0),
}


def settings(shape, layer_type, *, frames=2, batch=2, **layer):
    return {"input": dict(zip(("height", "width", "channels"), shape)), "frames": frames, "batch": batch,
            "layer": {"type": layer_type, **layer}}


# Odd sizes, strides of 2 and 3, windows smaller and larger than strides, and channels that fill vectors and do not.
CASES = {
    "conv-strides": settings((7, 10, 3), "Conv3D", frames=3, filters=4, kernel_size=[3, 3, 4], strides=[1, 2, 3],
                             activation="tanh"),
    "conv-strides-2d": settings((8, 9, 1), "Conv3D", filters=20, kernel_size=[1, 3, 3], strides=[1, 2, 2],
                                activation="relu"),
    "conv-strides-beyond-kernel": settings((8, 9, 4), "Conv3D", filters=3, kernel_size=[2, 1, 2], strides=[1, 3, 3]),
    "conv-valid": settings((7, 10, 2), "Conv3D", filters=3, kernel_size=[1, 5, 2], padding="valid"),
    "conv-strides-valid": settings((9, 10, 3), "Conv3D", filters=8, kernel_size=[1, 3, 4], strides=[1, 2, 3],
                                   padding="valid", activation="sigmoid"),
    "conv-dilation": settings((9, 5, 3), "Conv3D", frames=4, filters=2, kernel_size=[2, 3, 2], dilation_rate=[1, 2, 3]),
    "conv-dilation-valid": settings((9, 8, 4), "Conv3D", filters=4, kernel_size=[1, 3, 2], dilation_rate=[1, 3, 1],
                                    padding="valid"),
    "transposed": settings((4, 3, 3), "Conv3DTranspose", frames=3, filters=4, kernel_size=[3, 3, 4], strides=[1, 2, 3],
                           activation="tanh"),
    "transposed-even": settings((5, 4, 4), "Conv3DTranspose", frames=4, filters=3, kernel_size=[4, 2, 5],
                                strides=[1, 3, 2], activation="relu"),
    "transposed-even-2": settings((3, 5, 2), "Conv3DTranspose", frames=1, filters=1, kernel_size=[2, 4, 4],
                                  strides=[1, 2, 2], activation="sigmoid"),
    "transposed-2d": settings((5, 4, 8), "Conv3DTranspose", filters=20, kernel_size=[1, 3, 3], strides=[1, 2, 2]),
    "transposed-stride-1": settings((5, 6, 3), "Conv3DTranspose", frames=5, filters=2, kernel_size=[5, 4, 3]),
    "transposed-strides-beyond-kernel": settings((4, 3, 3), "Conv3DTranspose", filters=2, kernel_size=[3, 1, 2],
                                                 strides=[1, 2, 3]),
    "transposed-valid": settings((4, 3, 3), "Conv3DTranspose", filters=5, kernel_size=[1, 3, 2], strides=[1, 2, 3],
                                 padding="valid", activation="hard_sigmoid"),
    "max": settings((7, 9, 3), "MaxPooling3D", pool_size=[1, 2, 2]),
    "max-same": settings((7, 10, 2), "MaxPooling3D", pool_size=[1, 2, 3], padding="same"),
    "max-overlap": settings((7, 8, 5), "MaxPooling3D", pool_size=[1, 3, 4], strides=[1, 2, 1], padding="same"),
    "max-gaps": settings((8, 9, 4), "MaxPooling3D", pool_size=[1, 1, 2], strides=[1, 3, 3]),
    "average": settings((7, 9, 3), "AveragePooling3D", pool_size=[1, 2, 3]),
    "average-same": settings((7, 10, 2), "AveragePooling3D", pool_size=[1, 2, 3], padding="same"),
    "average-overlap": settings((7, 8, 5), "AveragePooling3D", pool_size=[1, 4, 3], strides=[1, 1, 2], padding="same"),
    "nearest": settings((3, 4, 3), "UpSampling3D", size=[1, 2, 3]),
    "bilinear": settings((3, 4, 3), "UpSampling3D", size=[1, 2, 3], interpolation="bilinear"),
    "bilinear-columns": settings((5, 1, 2), "UpSampling3D", size=[1, 5, 4], interpolation="bilinear"),
    "norm-3": settings((3, 5, 3), "LayerNormalization"),
    "norm-7": settings((5, 3, 7), "LayerNormalization", epsilon=1e-6),
    "norm-9": settings((3, 3, 9), "LayerNormalization", frames=1, batch=1),
    "norm-40": settings((3, 5, 40), "LayerNormalization"),
    **{name: settings((3, 5, 3), "Activation", activation=name) for name in ACTIVATIONS},
    "leaky-relu": settings((3, 5, 3), "LeakyReLU", negative_slope=0.2),
    "rescaling": settings((3, 5, 4), "Rescaling", scale=-2.5, offset=0.75),
}

# An autoencoder of these layers around a ConvLSTM, as people build them for next frames; and what they combine else.
NETWORKS = {
    "autoencoder": dict(
        input=(7, 9, 1), frames=4, loss="binary_crossentropy",
        layers=[{"type": "Rescaling", "scale": 2, "offset": -1},
                {"type": "Conv3D", "filters": 4, "kernel_size": [1, 3, 3], "strides": [1, 2, 3], "activation": "linear",
                 "padding": "same"},
                {"type": "LayerNormalization"}, {"type": "Activation", "activation": "silu"},
                {"type": "ConvLSTM2D", "filters": 4, "kernel_size": [3, 3], "padding": "same", "strides": [1, 1],
                 "dilation_rate": [1, 1], "activation": "tanh", "recurrent_activation": "sigmoid"},
                {"type": "LayerNormalization", "epsilon": 1e-5}, {"type": "Activation", "activation": "gelu"},
                {"type": "Conv3DTranspose", "filters": 3, "kernel_size": [3, 3, 3], "strides": [1, 2, 3],
                 "activation": "tanh"},
                {"type": "Conv3D", "filters": 1, "kernel_size": [1, 2, 1], "padding": "valid", "activation": "linear"},
                {"type": "Activation", "activation": "sigmoid"}]),
    "pools": dict(
        input=(6, 8, 2), frames=4, loss="mean_squared_error",
        layers=[{"type": "Conv3D", "filters": 4, "kernel_size": [2, 3, 3], "dilation_rate": [1, 2, 1],
                 "activation": "tanh", "padding": "same"},
                {"type": "MaxPooling3D", "pool_size": [1, 2, 2]}, {"type": "LeakyReLU"},
                {"type": "Conv3DTranspose", "filters": 3, "kernel_size": [2, 2, 2], "activation": "linear"},
                {"type": "Activation", "activation": "elu"},
                {"type": "AveragePooling3D", "pool_size": [1, 3, 3], "strides": [1, 1, 2], "padding": "same"},
                {"type": "UpSampling3D", "size": [1, 1, 2], "interpolation": "bilinear"},
                {"type": "Activation", "activation": "softplus"},
                {"type": "UpSampling3D", "size": [1, 2, 2]},
                {"type": "Conv3D", "filters": 2, "kernel_size": [1, 1, 1], "activation": "sigmoid"}]),
}
