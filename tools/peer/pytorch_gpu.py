#!/usr/bin/env python3
"""Trains a network of Framecast with PyTorch on a GPU: what Framecast's speed on the same GPU is compared with.

    python3 pytorch_gpu.py --checkpoint CKPT.safetensors --videos X.npy --out FILE.json

It needs PyTorch 2.1 or later and nothing else. `framecast check` runs it on GPU machines. By hand, from a checkout:

    tools/framecast init --model keras --seed 1 --out CKPT.safetensors
    python3 tools/peer/pytorch_gpu.py --checkpoint CKPT.safetensors --videos X.npy --out FILE.json
    tools/framecast train --model keras --init CKPT.safetensors --data X.npy --no-shuffle --validation-split 0 \\
        --steps 20 --out RUN

X.npy holds videos as (videos, frames, height, width, channels), uint8 or float32 in [0, 1]. The losses in FILE.json and
in RUN/steps.csv are comparable: same parameters, same batches in the same order, same loss, same Adam. In fp32 they
agree to rounding. Where they do not agree, the times mean nothing.

The code is what a PyTorch user would write who cares for speed: channels_last, the convolution of the input over all
frames at once, one recurrent convolution per frame, a fused Adam, cuDNN's benchmark mode. A variant is a mode and a
precision, such as compile-bf16:

    eager           operator by operator
    compile         forward, loss and backward by torch.compile
    graph           the whole training step captured in a CUDA graph
    compile+graph   both
    fp32            without TF32
    tf32            convolutions in TF32
    bf16            autocast to bfloat16; cell states, parameters and the optimiser stay float32

Each variant runs in a process of its own, so that one that fails, crashes or hangs does not end the others. It trains
--steps steps, whose losses are recorded. Then its steps are timed. Videos lie in the GPU's memory before the first
step, and nothing waits for the GPU between timed steps. A variant takes at most --setup-seconds and twice its share of
--seconds.

FILE.json has, for each variant, `losses` (null: not finite), `step_ms`, `memory_mb` (on a GPU what PyTorch's allocator
holds, on the CPU the process), `error` and `skipped` (why it did not run here). Its exit status is 0 if it wrote the
file, 1 if it could not, and 2 for wrong usage.
"""
import argparse
import ast
import json
import math
import multiprocessing
import os
import platform
import resource
import signal
import statistics
import struct
import sys
import tempfile
import threading
import time
import warnings

# Standard error is for the one sentence of a failure.
warnings.simplefilter("ignore")


def fail(sentence):
    sys.exit("pytorch_gpu.py: " + sentence)


try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    fail("PyTorch is not installed for %s; install it (https://pytorch.org), or run this with a Python that has it."
         % sys.executable)
except (ImportError, OSError) as damaged:
    fail("PyTorch cannot be loaded: %s." % str(damaged).split("\n")[0].rstrip("."))

VARIANTS = "eager-fp32,eager-tf32,eager-bf16,graph-bf16,compile-tf32,compile-bf16"
KNOWN = [mode + "-" + precision for mode in ("eager", "compile", "graph", "compile+graph")
         for precision in ("fp32", "tf32", "bf16")]


# ---- The files

class Refused(Exception):
    """One sentence for the user."""


def opened(path):
    try:
        return open(path, "rb")
    except OSError as e:
        raise Refused("Cannot read %s: %s." % (path, e.strerror))


class Checkpoint:
    """A safetensors file: the length of the header, the header as JSON, the tensors."""

    def __init__(self, path):
        self.path = path
        with opened(path) as file:
            try:
                length, = struct.unpack("<Q", file.read(8))
                if length > os.path.getsize(path):
                    raise ValueError("its header is cut off")
                self.tensors = json.loads(file.read(length).decode())
                self.model = json.loads(self.tensors.pop("__metadata__")["framecast.model"])
                self.data = file.read()
            except (struct.error, ValueError, KeyError, TypeError, AttributeError):
                raise Refused("%s is not a checkpoint of Framecast; make one with: tools/framecast init --model keras "
                              "--out CKPT.safetensors" % path)

    def tensor(self, name, *shape):
        """A tensor with Keras's layout."""
        try:
            entry = self.tensors[name]
            begin, end = entry["data_offsets"]
            data = bytearray(self.data[begin:end])
            if entry["dtype"] != "F32" or entry["shape"] != list(shape) or len(data) != 4 * math.prod(shape):
                raise ValueError
            return torch.frombuffer(data, dtype=torch.float32).reshape(shape)
        except (KeyError, ValueError, TypeError):
            raise Refused("The checkpoint %s has no tensor %s of F32 with the shape %s; make it anew."
                          % (self.path, name, list(shape)))


class Videos:
    """An .npy file with (videos, frames, height, width, channels)."""

    TYPES = {"<f4": torch.float32, "|u1": torch.uint8}

    def __init__(self, path):
        self.path = path
        with opened(path) as file:
            try:
                magic, major = struct.unpack("<6sBx", file.read(8))
                if magic != b"\x93NUMPY":
                    raise ValueError
                size = "<H" if major == 1 else "<I"
                length, = struct.unpack(size, file.read(struct.calcsize(size)))
                header = ast.literal_eval(file.read(length).decode("latin-1").strip())
                self.shape, self.type = tuple(header["shape"]), header["descr"]
                rows = not header["fortran_order"]
            except (struct.error, ValueError, SyntaxError, KeyError, TypeError):
                raise Refused("%s is not an .npy file of NumPy." % path)
            self.offset = file.tell()
            if self.type not in self.TYPES or len(self.shape) != 5 or not rows:
                raise Refused("%s holds %s of %s; videos are <f4 or |u1 of (videos, frames, height, width, channels), "
                              "row-major." % (path, self.type, self.shape))
            if os.path.getsize(path) < self.offset + self.bytes(self.shape[0]):
                raise Refused("%s is cut off; make it anew." % path)

    def bytes(self, count):
        return count * math.prod(self.shape[1:]) * (4 if self.type == "<f4" else 1)

    def first(self, count):
        """The first `count` videos, in [0, 1]."""
        with opened(self.path) as file:
            file.seek(self.offset)
            data = bytearray(file.read(self.bytes(count)))
        values = torch.frombuffer(data, dtype=self.TYPES[self.type]).reshape((count,) + self.shape[1:])
        if self.type == "|u1":
            return values.float() / 255
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise Refused("%s has values outside [0, 1]." % self.path)
        return values


def batches(videos, size, most, device):
    """The first `most` batches of an epoch as (inputs, targets): frames 0..T-2 and 1..T-1.

    Both are (frames*videos, channels, height, width) with the memory format channels_last, frame after frame."""
    count = min(videos.shape[0], size * most)
    pairs = []
    for batch in videos.first(count).split(size):
        batch = batch.transpose(0, 1).contiguous().to(device)
        pairs.append(tuple(frames.flatten(0, 1).permute(0, 3, 1, 2) for frames in (batch[:-1], batch[1:])))
    return pairs


def write(path, result):
    """Written beside and moved into place."""
    directory = os.path.dirname(os.path.abspath(path))
    part = None
    try:
        with tempfile.NamedTemporaryFile("w", dir=directory, prefix=".pytorch_gpu.", suffix=".part",
                                         delete=False) as file:
            part = file.name
            json.dump(result, file, indent=1, allow_nan=False)
            file.write("\n")
        os.chmod(part, 0o644)
        os.replace(part, path)
    except OSError as e:
        if part is not None:
            os.unlink(part)
        raise Refused("Cannot write %s: %s." % (path, e.strerror))


# ---- The network

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hard_sigmoid": F.hardsigmoid,
    "hard_sigmoid_keras2": lambda x: torch.clamp(0.2 * x + 0.5, 0, 1),
}


class Layer:
    """The settings of a layer of the model. All have to be read."""

    def __init__(self, number, settings):
        if not isinstance(settings, dict):
            raise Refused("Layer %d of the checkpoint's model is not a JSON object." % number)
        self.number = number
        self.left = {key: value for key, value in settings.items() if key != "name"}
        self.type = self.take("type")

    def take(self, key, default=None):
        value = self.left.pop(key, default)
        if value is None:
            raise Refused("Layer %d of the checkpoint's model has no \"%s\"." % (self.number, key))
        return value

    def size(self, key, count):
        """A list of `count` whole numbers. One number stands for as many of it."""
        value = self.take(key)
        sizes = value if isinstance(value, list) else [value] * count
        if len(sizes) != count or not all(type(size) is int and size > 0 for size in sizes):
            raise self.other(key, value)
        return sizes

    def number_of(self, key, default):
        value = self.take(key, default)
        if type(value) not in (int, float):
            raise self.other(key, value)
        return value

    def only(self, key, default, *values):
        value = self.take(key, default)
        if value not in values:
            raise self.other(key, value)
        return value

    def activation(self, key, default):
        return self.only(key, default, *ACTIVATIONS)

    def other(self, key, value):
        return Refused("Layer %d (%s) of the checkpoint's model has \"%s\": %s, which this comparison cannot compute; "
                       "use a model like the preset keras." % (self.number, self.type, key, json.dumps(value)))

    def nothing_else(self):
        for key, value in self.left.items():
            raise self.other(key, value)


class ConvLSTM2D(nn.Module):
    """Keras's, with `same` padding: the gates are i, f, g, o, in this order."""

    def __init__(self, layer, tensor, channels, frames):
        super().__init__()
        self.frames = frames
        self.channels, = layer.size("filters", 1)
        kernel = layer.size("kernel_size", 2)
        layer.only("padding", "valid", "same")
        layer.only("strides", 1, 1, [1, 1])
        layer.only("dilation_rate", 1, 1, [1, 1])
        self.activation = ACTIVATIONS[layer.activation("activation", "tanh")]
        self.gate = ACTIVATIONS[layer.activation("recurrent_activation", "sigmoid")]
        gates = 4 * self.channels
        self.kernel = channels_last(tensor("kernel", *kernel, channels, gates))
        self.recurrent_kernel = channels_last(tensor("recurrent_kernel", *kernel, self.channels, gates))
        self.bias = nn.Parameter(tensor("bias", gates))

    def forward(self, x):
        outputs = []
        h = c = None
        # Chunks and cat instead of unbind and stack: they keep channels_last, in the gradient, too.
        for z in F.conv2d(x, self.kernel, self.bias, padding="same").chunk(self.frames):
            if h is not None:
                z = z + F.conv2d(h, self.recurrent_kernel, padding="same")
            i, f, g, o = z.chunk(4, dim=1)
            candidate = self.gate(i) * self.activation(g)
            # Also under autocast the cell state is float32, and the hidden state an operand of convolutions.
            c = candidate.float() if c is None else self.gate(f) * c + candidate
            h = (self.gate(o) * self.activation(c)).to(z.dtype)
            outputs.append(h)
        return torch.cat(outputs)


class BatchNormalization(nn.Module):
    """Keras's, over all frames. PyTorch's moving variance is the unbiased one; nothing here reads it."""

    def __init__(self, layer, tensor, channels, frames):
        super().__init__()
        self.channels = channels
        self.epsilon = layer.number_of("epsilon", 1e-3)
        self.momentum = layer.number_of("momentum", 0.99)
        self.gamma = nn.Parameter(tensor("gamma", channels))
        self.beta = nn.Parameter(tensor("beta", channels))
        self.register_buffer("moving_mean", tensor("moving_mean", channels))
        self.register_buffer("moving_variance", tensor("moving_variance", channels))

    def forward(self, x):
        return F.batch_norm(x, self.moving_mean, self.moving_variance, self.gamma, self.beta, training=True,
                            momentum=1 - self.momentum, eps=self.epsilon)


class Conv3D(nn.Module):
    """Keras's, with `same` padding."""

    def __init__(self, layer, tensor, channels, frames):
        super().__init__()
        self.frames = frames
        self.channels, = layer.size("filters", 1)
        kernel = layer.size("kernel_size", 3)
        layer.only("padding", "same", "same")
        self.activation = layer.activation("activation", "linear")
        self.kernel = channels_last(tensor("kernel", *kernel, channels, self.channels))
        self.bias = nn.Parameter(tensor("bias", self.channels))

    def forward(self, x):
        videos = x.unflatten(0, (self.frames, -1)).permute(1, 2, 0, 3, 4)
        y = F.conv3d(videos.contiguous(memory_format=torch.channels_last_3d), self.kernel, self.bias, padding="same")
        return ACTIVATIONS[self.activation](y).permute(2, 0, 1, 3, 4).flatten(0, 1)


def channels_last(kernel):
    """PyTorch's (out, in, size...) from Keras's (size..., in, out), the channels being the innermost in memory."""
    inner = torch.channels_last if kernel.dim() == 4 else torch.channels_last_3d
    order = (kernel.dim() - 1, kernel.dim() - 2) + tuple(range(kernel.dim() - 2))
    return nn.Parameter(kernel.permute(order).contiguous(memory_format=inner))


LAYERS = {"ConvLSTM2D": ConvLSTM2D, "BatchNormalization": BatchNormalization, "Conv3D": Conv3D}


def network(checkpoint, shape):
    """The network from frames to logits, for videos of this shape."""
    try:
        size = checkpoint.model["input"]
        size = (size["height"], size["width"], size["channels"])
        listed = list(checkpoint.model["layers"])
    except (KeyError, TypeError):
        raise Refused("The model in %s has no input or no layers; make the checkpoint anew." % checkpoint.path)
    if shape[2:] != size:
        raise Refused("The videos have frames of %dx%dx%d, but the model takes %sx%sx%s." % (shape[2:] + size))
    layers = []
    channels = size[2]
    for number, settings in enumerate(listed):
        layer = Layer(number, settings)
        if layer.type not in list(LAYERS):
            raise Refused("The model has a layer of type %s; this comparison has %s." % (layer.type, ", ".join(LAYERS)))

        def tensor(name, *shape):
            return checkpoint.tensor("layers.%d.%s" % (number, name), *shape)

        layers.append(LAYERS[layer.type](layer, tensor, channels, shape[1] - 1))
        channels = layers[-1].channels
        layer.nothing_else()
    last = layers[-1] if layers else None
    if not isinstance(last, Conv3D) or last.activation != "sigmoid" or channels != size[2]:
        raise Refused("The model does not end in a Conv3D with a sigmoid and the channels of the input; use a model "
                      "like the preset keras.")
    last.activation = "linear"  # The loss takes logits.
    return nn.Sequential(*layers)


# ---- Training

class KerasAdam:
    """Keras's Adam by PyTorch's: p -= alpha*m/(sqrt(v) + eps), with alpha = lr*sqrt(1 - b2^t)/(1 - b1^t).

    PyTorch adds epsilon after the bias correction of v, Keras before. So PyTorch's bias corrections are made 1, by
    counting from a step at which both are, and its learning rate is alpha."""

    LATE = 1e9

    def __init__(self, parameters, device):
        self.step_number = 0
        self.alpha = torch.zeros((), device=device)
        on_gpu = device.type == "cuda"
        # Capturable: in a CUDA graph.
        self.adam = torch.optim.Adam(parameters, lr=self.alpha, betas=(0.9, 0.999), eps=1e-7, fused=on_gpu,
                                     capturable=on_gpu)
        for p in parameters:
            self.adam.state[p] = {"step": torch.full((), self.LATE, device=device), "exp_avg": torch.zeros_like(p),
                                  "exp_avg_sq": torch.zeros_like(p)}

    def begin(self):
        self.step_number += 1
        t = self.step_number
        self.alpha.fill_(1e-3 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t))


class Graph:
    """A step as a CUDA graph: the first times it runs as it is, on a side stream as a capture needs it; then it is
    captured, and replayed. Batches of another size run as they are."""

    EAGER = 3

    def __init__(self, step, images):
        self.step = step
        self.images = images
        self.calls = 0
        self.stream = torch.cuda.Stream()

    def __call__(self, x, y):
        if len(x) != self.images:
            return self.step(x, y)
        self.calls += 1
        if self.calls <= self.EAGER:
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                loss = self.step(x, y)
            torch.cuda.current_stream().wait_stream(self.stream)
            return loss
        if self.calls == self.EAGER + 1:
            self.x, self.y = x.clone(), y.clone()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.loss = self.step(self.x, self.y)
        self.x.copy_(x)
        self.y.copy_(y)
        self.graph.replay()
        return self.loss.clone()


class Training:
    """Training steps of one variant."""

    def __init__(self, layers, mode, precision, device, images):
        tf32 = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        layers.to(device)
        self.adam = KerasAdam(list(layers.parameters()), device)

        def forward(x, y):
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                logits = layers(x)
            return F.binary_cross_entropy_with_logits(logits.float(), y)

        if "compile" in mode:
            forward = torch.compile(forward, dynamic=False)

        def train(x, y):
            self.adam.adam.zero_grad(set_to_none=True)
            loss = forward(x, y)
            loss.backward()
            self.adam.adam.step()
            return loss.detach()

        self.train = Graph(train, images) if "graph" in mode else train

    def step(self, x, y):
        """The loss before the step, on the device."""
        self.adam.begin()
        return self.train(x, y)


class GpuClock:
    """Time on the GPU, without waiting for it."""

    def mark(self):
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def wait(self):
        torch.cuda.synchronize()

    def milliseconds(self, begin, end):
        return begin.elapsed_time(end)

    def forget_memory(self):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def memory(self):
        return torch.cuda.max_memory_reserved() / 2 ** 20


class CpuClock:

    def mark(self):
        return time.perf_counter()

    def wait(self):
        pass

    def milliseconds(self, begin, end):
        return 1e3 * (end - begin)

    def forget_memory(self):
        pass

    def memory(self):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 10


WARM_STEPS = 5
FEWEST_TIMED_STEPS = 3
MOST_TIMED_STEPS = 200


def measure(variant, checkpoint, videos, options, seconds, send):
    """Trains, and sends losses; then times steps for so many seconds, and sends times and memory."""
    mode, precision = variant.split("-")
    device = torch.device(options.device)
    clock = GpuClock() if device.type == "cuda" else CpuClock()
    data = batches(videos, options.batch, options.steps, device)
    training = Training(network(checkpoint, videos.shape), mode, precision, device, len(data[0][0]))
    losses = [training.step(*data[k % len(data)]) for k in range(options.steps)]
    losses = [loss.item() for loss in losses]
    send({"losses": [loss if math.isfinite(loss) else None for loss in losses]})

    data = [batch for batch in data if len(batch[0]) == len(data[0][0])]
    clock.forget_memory()
    clock.wait()
    begin = time.perf_counter()
    for k in range(WARM_STEPS):
        if k == 2:  # The first ones allocate memory.
            clock.wait()
            warm = time.perf_counter()
        training.step(*data[k % len(data)])
    clock.wait()
    now = time.perf_counter()
    one = (now - warm) / (WARM_STEPS - 2)
    count = int((seconds - (now - begin)) / one)
    count = max(FEWEST_TIMED_STEPS, min(MOST_TIMED_STEPS, count))
    marks = [clock.mark()]
    for k in range(count):
        training.step(*data[k % len(data)])
        marks.append(clock.mark())
    clock.wait()
    times = [clock.milliseconds(*pair) for pair in zip(marks, marks[1:])]
    send({"step_ms": {"median": statistics.median(times), "min": min(times), "steps": count},
          "memory_mb": clock.memory()})


def software(device, send):
    """Sends what this is measured with."""
    about = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
             "gpu": None, "capability": None}
    if device == "cuda":
        if torch.version.cuda is None:
            raise Refused("PyTorch %s has no CUDA; install one with CUDA (https://pytorch.org), or use --device cpu."
                          % torch.__version__)
        if not torch.cuda.is_available():
            raise Refused("PyTorch %s finds no GPU that it can use; see what nvidia-smi says, or use --device cpu."
                          % torch.__version__)
        about["gpu"] = torch.cuda.get_device_name()
        about["capability"] = torch.cuda.get_device_capability()
    send(about)


def skipped(variant, capability):
    """Why a variant cannot run here; None if it can. Without a capability there is no GPU."""
    mode, precision = variant.split("-")
    if capability is None:
        return "It needs a GPU." if "graph" in mode or precision == "tf32" else None
    if precision != "fp32" and capability < (8, 0):
        return "It needs compute capability 8.0; this GPU has %d.%d." % capability
    return None


# ---- Processes

def first_line(e):
    """The first line of an exception; the second, too, if the first only announces it."""
    lines = [line.strip() for line in str(e).split("\n") if line.strip()]
    text = " ".join(lines[:2]) if lines and lines[0].endswith(":") else "".join(lines[:1])
    return "%s: %s" % (type(e).__name__, text[:500])


def in_child(task, limit):
    """What task(send) sends from a process of its own, as one dictionary; "error" is None if it came to its end.

    A fork, which need not import torch again. CUDA, and threads for computing, must not be used before it."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(task, sender, os.getpid()))
    process.start()
    sender.close()
    result = {}
    deadline = time.monotonic() + limit
    try:
        while "error" not in result:
            # Its end is not awaited by the pipe's: processes that it has started may hold the pipe, too.
            gone = process.exitcode is not None
            if receiver.poll(0 if gone else 0.1):
                result.update(receiver.recv())
            elif gone:
                result["error"] = ended(process.exitcode)
            elif time.monotonic() > deadline:
                result["error"] = "It was ended after %.0f seconds." % limit
    except EOFError:
        process.join()
        result["error"] = ended(process.exitcode)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
        process.join()
    return result


def ended(status):
    return "Its process ended with %s." % ("signal %d" % -status if status < 0 else "status %d" % status)


def child(task, sender, parent):
    os.setsid()  # A group of its own, with compilers that it starts.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    try:
        task(sender.send)
        sender.send({"error": None})
    except Refused as e:
        sender.send({"error": str(e), "refused": True})
    except BaseException as e:
        sender.send({"error": first_line(e)})


# ---- Main

def whole_number(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def seconds(text):
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def variant_list(text):
    variants = text.split(",")
    for variant in variants:
        if variant not in KNOWN:
            raise argparse.ArgumentTypeError("there is no variant %s; there are %s" % (variant, ", ".join(KNOWN)))
    return variants


def arguments():
    parser = argparse.ArgumentParser(prog="pytorch_gpu.py", description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", required=True, metavar="FILE", help="of Framecast, .safetensors")
    parser.add_argument("--videos", required=True, metavar="FILE", help=".npy of (videos, frames, height, width, "
                        "channels), uint8 or float32 in [0, 1]")
    parser.add_argument("--out", required=True, metavar="FILE", help="the JSON file to write")
    parser.add_argument("--batch", type=whole_number, default=5, metavar="N", help="videos a step; default: 5")
    parser.add_argument("--steps", type=whole_number, default=20, metavar="N", help="steps whose losses are recorded; "
                        "default: 20")
    parser.add_argument("--seconds", type=seconds, default=60, metavar="X", help="for the timed steps of all variants "
                        "together; default: 60")
    parser.add_argument("--setup-seconds", type=seconds, default=120, metavar="X", help="how long each variant may "
                        "take until its timed steps: start, compilation, recorded losses; default: 120")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="default: cuda")
    parser.add_argument("--variants", type=variant_list, default=variant_list(VARIANTS), metavar="NAME,...",
                        help="default: " + VARIANTS)
    return parser.parse_args()


def run(options):
    checkpoint = Checkpoint(options.checkpoint)
    videos = Videos(options.videos)
    if videos.shape[0] < options.batch or videos.shape[1] < 2:
        raise Refused("%s has %d videos of %d frames; a batch takes %d videos of 2 frames or more."
                      % (options.videos, videos.shape[0], videos.shape[1], options.batch))
    directory = os.path.dirname(os.path.abspath(options.out))
    if not os.access(directory, os.W_OK) or os.path.isdir(options.out):
        raise Refused("Cannot write %s; give a file in a directory that can be written to." % options.out)

    def check(send):
        network(checkpoint, videos.shape)
        software(options.device, send)

    about = in_child(check, options.setup_seconds)
    error = about.pop("error")
    if error is not None:
        raise Refused(error if about.get("refused") else "PyTorch cannot be used here: %s" % error)
    capability = about.pop("capability")
    result = dict(about, python=platform.python_version(), variants=[])
    reasons = [skipped(variant, capability) for variant in options.variants]
    share = options.seconds / max(1, reasons.count(None))
    for variant, reason in zip(options.variants, reasons):
        record = {"name": variant, "losses": None, "step_ms": None, "memory_mb": None, "error": None,
                  "skipped": reason}
        if reason is None:
            record.update(in_child(
                lambda send: measure(variant, checkpoint, videos, options, share, send),
                options.setup_seconds + 2 * share))
            record.pop("refused", None)
        result["variants"].append(record)
        print("%s: %s" % (variant, "%.2f ms a step" % record["step_ms"]["median"] if record["step_ms"] else
                          record["error"] or record["skipped"]), flush=True)
    write(options.out, result)


def main():
    options = arguments()
    try:
        run(options)
    except Refused as e:
        fail(str(e))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
