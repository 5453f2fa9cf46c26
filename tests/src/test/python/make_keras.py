"""Makes the models in tests/src/test/resources/keras with Keras 3, and what they compute.

Usage: KERAS_BACKEND=torch python3 make_keras.py [DIRECTORY], with Keras 3, h5py and PyTorch.

Each case is a model with random weights of small, odd sizes, saved as NAME.keras, some also as NAME.weights.h5 and
NAME.h5. NAME.safetensors has an input x and the outputs y of the model in float64, both rounded to float32, in Keras's
order of axes. (With PyTorch, Keras computes Dense and the outputs of TimeDistributed in float32 even so.) cases.json
has what else a test needs.

There is no Keras 2 any more for Python. The cases keras2-* are what Keras 2 writes, made here from its published format
(hdf5_format.py of Keras 2 and tf.keras): its names, its attributes of variable length, and its config. Their outputs
are those of the same layers in Keras 3, with Keras 2's hard sigmoid as a function.
"""

import io
import json
import os
import shutil
import struct
import sys
import zipfile

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np
from keras import layers

OUT = sys.argv[1] if len(sys.argv) > 1 else "tests/src/test/resources/keras"
SHAPE = (6, 7, 2)  # height, width, channels
FRAMES = 4
cases = {}


def fill(model, seed):
    """Random weights: also biases, centers and scales, that are else 0 and 1."""
    random = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        for variable in layer._trainable_variables + layer._non_trainable_variables:
            if "seed" in variable.path:
                continue
            value = random.normal(0, 0.3, variable.shape)
            if variable.path.endswith(("moving_variance", "gamma")):
                value = 0.5 + random.random(variable.shape)
            variable.assign(value.astype(np.float32))


def in_float64(build, source, x):
    """The outputs of the same model with the same weights, computed in float64."""
    keras.backend.set_floatx("float64")
    try:
        keras.utils.clear_session()
        model = build()
        model.set_weights([np.asarray(w, np.float64) for w in source])
        return np.asarray(keras.ops.convert_to_numpy(model(x.astype(np.float64), training=False)))
    finally:
        keras.backend.set_floatx("float32")
        keras.utils.clear_session()


def save_values(name, tensors):
    header, data, offset = {}, b"", 0
    for key, value in tensors.items():
        raw = np.ascontiguousarray(value, dtype="<f4").tobytes()
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{OUT}/{name}.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def normalised(path):
    """The archive with fixed dates, so that the script makes the same file again."""
    with zipfile.ZipFile(path) as old:
        entries = [(info.filename, old.read(info)) for info in old.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in entries:
            if name == "metadata.json":
                data = json.dumps({"keras_version": keras.__version__, "date_saved": "2026-01-01@00:00:00"}).encode()
            if name == "config.json":
                data = json.dumps(without_ids(json.loads(data))).encode()
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def without_ids(node):
    """Keras numbers shared objects by their address in memory."""
    if isinstance(node, dict):
        return {key: without_ids(value) for key, value in node.items() if key != "shared_object_id"}
    return [without_ids(value) for value in node] if isinstance(node, list) else node


def case(name, build, formats=("keras",), frames=FRAMES, shape=SHAPE, batch=2, **more):
    keras.utils.clear_session()
    seed = 1000 + len(cases)
    model = build()
    fill(model, seed)
    x = np.random.default_rng(seed + 1).random((batch, frames, *shape)).astype(np.float32)
    weights = model.get_weights()
    if "keras" in formats:
        model.save(f"{OUT}/{name}.keras")
        normalised(f"{OUT}/{name}.keras")
    if "weights.h5" in formats:
        model.save_weights(f"{OUT}/{name}.weights.h5")
    if "h5" in formats:
        model.save(f"{OUT}/{name}.h5", include_optimizer=False)
    if "keras2" in formats:
        keras2(model, f"{OUT}/{name}.h5", more.pop("config"))
    if "keras2-archive" in formats:
        keras2_archive(model, f"{OUT}/{name}.keras", more.pop("config"))
    y = in_float64(build, weights, x)
    save_values(name, {"x": x, "y": y})
    endings = {"keras2": "h5", "keras2-archive": "keras"}
    cases[name] = {"files": [f"{name}.{endings.get(f, f)}" for f in formats], **more}


def sequential(*members, shape=SHAPE, frames=None):
    return lambda: keras.Sequential([layers.Input((frames, *shape)), *[make() for make in members]])


def lstm(filters, size, **options):
    return lambda: layers.ConvLSTM2D(filters, size, return_sequences=True, **options)


def keras2_hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


# Keras 2's file. -----------------------------------------------------------------------------------------------------

def keras2(model, path, config):
    """A whole model as hdf5_format.py of Keras 2 writes it: names end in ":0", the config is Keras 2's."""
    utf8 = h5py.string_dtype("utf-8")
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["backend"] = "tensorflow"
        if config is not None:
            file.attrs.create("model_config", json.dumps(config), dtype=utf8)
        group = file.create_group("model_weights") if config is not None else file
        group.attrs["layer_names"] = [np.bytes_(layer.name) for layer in model.layers]
        group.attrs["backend"] = "tensorflow"
        group.attrs["keras_version"] = "2.4.0"
        for layer in sorted(model.layers, key=lambda each: each.name):
            own = group.create_group(layer.name)
            weights = layer.trainable_weights + layer.non_trainable_weights
            names = [f"{layer.name}/{w.path.split('/', 1)[-1]}:0" for w in weights]
            own.attrs["weight_names"] = [np.bytes_(n) for n in names]
            for name, weight in zip(names, weights):
                own.create_dataset(name, data=np.asarray(keras.ops.convert_to_numpy(weight)))


def keras2_archive(model, path, config):
    """A .keras file of Keras 2.12 to 2.15: weights are in another group, by Keras 2's names of classes."""
    names = {"ConvLSTM2D": "conv_lst_m2d", "BatchNormalization": "batch_normalization", "Conv3D": "conv3d"}
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        layers_group = file.create_group("_layer_checkpoint_dependencies")
        for layer in model.layers:
            own = layers_group.create_group(names[type(layer).__name__])
            own = own.create_group("cell/vars" if isinstance(layer, layers.ConvLSTM2D) else "vars")
            for k, weight in enumerate(layer.trainable_weights + layer.non_trainable_weights):
                own.create_dataset(str(k), data=np.asarray(keras.ops.convert_to_numpy(weight)))
        file.create_group("optimizer/vars").create_dataset("0", data=np.int64(3))
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in (("metadata.json", json.dumps({"keras_version": "2.15.0"})),
                            ("config.json", json.dumps(config)), ("model.weights.h5", data.getvalue())):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), entry, zipfile.ZIP_DEFLATED)


def keras2_config(*members, shape=(None, None, *SHAPE)):
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": list(shape), "dtype": "float32",
                                                     "sparse": False, "ragged": False, "name": "input_1"}}
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": [first, *members]}}


def keras2_lstm(name, filters, **options):
    return {"class_name": "ConvLSTM2D", "config": {
        "name": name, "trainable": True, "dtype": "float32", "return_sequences": True, "return_state": False,
        "go_backwards": False, "stateful": False, "unroll": False, "time_major": False, "filters": filters,
        "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last",
        "dilation_rate": [1, 1], "activation": "tanh", "recurrent_activation": "hard_sigmoid", "use_bias": True,
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
        "recurrent_initializer": {"class_name": "Orthogonal", "config": {"gain": 1.0, "seed": None}},
        "bias_initializer": {"class_name": "Zeros", "config": {}}, "unit_forget_bias": True,
        "kernel_regularizer": None, "recurrent_regularizer": None, "bias_regularizer": None,
        "activity_regularizer": None, "kernel_constraint": None, "recurrent_constraint": None,
        "bias_constraint": None, "dropout": 0.0, "recurrent_dropout": 0.0, **options}}


# What Keras does not write. ------------------------------------------------------------------------------------------

def hostile(good):
    """The same model with one thing changed in each file."""
    os.makedirs(f"{OUT}/hostile", exist_ok=True)

    def changed(name, change):
        path = f"{OUT}/hostile/{name}.h5"
        shutil.copy(good, path)
        with h5py.File(path, "r+") as file:
            change(file["model_weights"])

    def external(group):
        del group["conv3d"]
        group["conv3d"] = h5py.ExternalLink("/etc/passwd", "/")

    def soft(group):
        group.move("conv3d", "elsewhere")
        group["conv3d"] = h5py.SoftLink("/model_weights/elsewhere")

    def dataset(**options):
        def change(group):
            kernel = group["conv3d"].attrs["weight_names"][0].decode()
            del group["conv3d"][kernel]
            group["conv3d"].create_dataset(kernel, **options)
        return change

    changed("external-link", external)
    changed("soft-link", soft)
    changed("bomb", dataset(shape=(1 << 28,), dtype="f4", chunks=(1 << 26,), compression="gzip"))
    changed("integers", dataset(data=np.zeros((3, 3, 3, 3, 2), np.int32)))
    # Contiguous and never written: it has a shape, and no place in the file.
    changed("huge", dataset(shape=(1 << 28,), dtype="f4"))
    with h5py.File(f"{OUT}/hostile/cycle.h5", "w") as file:
        group = file.create_group("layers")
        group["again"] = group
        with h5py.File(good) as model:
            for key, value in model.attrs.items():
                file.attrs[key] = value


def main():
    os.makedirs(OUT, exist_ok=True)
    every = ("keras", "h5")
    reference = sequential(
        lstm(4, 5, padding="same", activation="relu"), layers.BatchNormalization,
        lstm(3, 3, padding="same", activation="relu"), layers.BatchNormalization,
        lstm(4, 1, padding="same", activation="relu"),
        lambda: layers.Conv3D(2, 3, activation="sigmoid", padding="same"))
    case("example", reference, ("keras", "h5", "weights.h5"))
    case("lstm-strides", sequential(lstm(3, (3, 2), strides=(2, 3), padding="same", dropout=0.2,
                                         recurrent_dropout=0.1), frames=FRAMES), note="dropout")
    case("lstm-valid", sequential(lstm(3, (2, 3), padding="valid", dilation_rate=(2, 1), use_bias=False,
                                       recurrent_activation="hard_sigmoid")), ("keras", "h5"))
    case("lstm-activations", sequential(lstm(2, 3, padding="same", activation="sigmoid",
                                             recurrent_activation="tanh", stateful=False), lambda: layers.Dropout(0.3),
                                        lstm(2, 2, padding="same", activation="linear")), note="Dropout")
    case("norm-options", sequential(
        lambda: layers.BatchNormalization(scale=False, epsilon=0.02),
        lambda: layers.Conv3D(3, (3, 2, 3), padding="same", use_bias=False),
        lambda: layers.BatchNormalization(center=False, axis=4)), every)
    case("pointwise", sequential(lambda: layers.Conv3D(5, 1, activation="tanh"), lambda: layers.Dense(3, "relu"),
                                 lambda: layers.TimeDistributed(layers.Dense(2, use_bias=False))), every)
    case("per-frame", sequential(
        lambda: layers.TimeDistributed(layers.Conv2D(3, (3, 2), padding="same", activation="relu")),
        lambda: layers.TimeDistributed(layers.BatchNormalization()),
        lambda: layers.TimeDistributed(layers.Dropout(0.2)), lstm(3, 3, padding="same"),
        lambda: layers.TimeDistributed(layers.Conv2D(2, 3, padding="same", activation="sigmoid"))), every,
        note="Dropout")
    case("strides", sequential(
        lambda: layers.TimeDistributed(layers.Conv2D(3, 3, strides=2, padding="same")),
        lambda: layers.Conv3D(2, (1, 2, 3), strides=(1, 1, 2), padding="valid")))
    case("dilation", sequential(lambda: layers.Conv3D(3, (3, 2, 3), dilation_rate=(1, 2, 2), padding="same"),
                                lambda: layers.TimeDistributed(layers.Conv2D(2, 2, dilation_rate=(2, 3)))))
    case("transpose", sequential(
        lambda: layers.TimeDistributed(layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")),
        lambda: layers.Conv3DTranspose(2, (1, 2, 3), strides=(1, 2, 1), padding="valid", use_bias=False)))
    case("pooling", sequential(
        lambda: layers.TimeDistributed(layers.MaxPooling2D((2, 3), strides=(1, 2), padding="same")),
        lambda: layers.AveragePooling3D((1, 2, 2), padding="same"), lambda: layers.UpSampling3D((1, 2, 3)),
        lambda: layers.TimeDistributed(layers.UpSampling2D((2, 1), interpolation="bilinear")),
        lambda: layers.MaxPooling3D((1, 2, 2)), lambda: layers.TimeDistributed(layers.AveragePooling2D(2)),
        shape=(8, 9, 2)), shape=(8, 9, 2))
    case("activations", sequential(
        lambda: layers.Rescaling(2.0, -1.0), lambda: layers.Conv3D(3, 1, activation="elu"), layers.LeakyReLU,
        lambda: layers.Activation("selu"), lambda: layers.TimeDistributed(layers.Activation("silu")),
        lambda: layers.Conv3D(3, 1, activation="gelu"), lambda: layers.ReLU(max_value=6),
        lambda: layers.Activation("softplus"), lambda: layers.Conv3D(2, 1, activation="leaky_relu"), layers.ELU,
        lambda: layers.Activation("exponential"), lambda: layers.Activation("linear"),
        lambda: layers.Activation("hard_sigmoid")))
    case("layer-norm", sequential(lstm(3, 3, padding="same"), lambda: layers.LayerNormalization(epsilon=0.01),
                                  lambda: layers.Conv3D(2, 1), lambda: layers.LayerNormalization(center=False)),
         every)

    def skip():
        x = layers.Input((FRAMES, *SHAPE), batch_size=None, name="video in")
        a = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, name="left branch")(x)
        b = layers.TimeDistributed(layers.Conv2D(3, 1), name="right:branch")(x)
        unused = layers.Conv3D(1, 1)(b)
        y = layers.Add()([b, a])
        y = layers.Concatenate()([layers.Dropout(0.5)(y), x, a])
        return keras.Model(x, layers.Conv3D(2, 3, padding="same", activation="sigmoid")(y))

    case("skip", skip, every, note="Dropout")

    def nested():
        x = layers.Input((None, *SHAPE))
        frame = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 3, padding="same", activation="relu"),
                                  layers.BatchNormalization()], name="encoder")
        video_in = layers.Input((None, *SHAPE[:2], 3))
        h = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True)(video_in)
        video = keras.Model(video_in, layers.Concatenate()([h, video_in]), name="memory")
        frozen = keras.Sequential([layers.Input((None, *SHAPE[:2], 5)), layers.BatchNormalization(),
                                   layers.Conv3D(2, 1), layers.BatchNormalization()])
        frozen.layers[0].trainable = False
        return keras.Model(x, layers.Add()([frozen(video(layers.TimeDistributed(frame)(x))), x]))

    case("nested", nested, every)
    case("open-size", sequential(lambda: layers.Conv3D(3, 3, padding="same", activation="relu"),
                                 lambda: layers.Conv3D(2, 1), shape=(None, None, 2)), every, size=[6, 7])

    plain = sequential(lstm(3, 3, padding="same", recurrent_activation=keras2_hard_sigmoid),
                       layers.BatchNormalization, lambda: layers.Conv3D(2, 3, padding="same"))

    def named():
        model = plain()
        for layer, name in zip(model.layers, ("conv_lst_m2d", "batch_normalization", "conv3d")):
            layer.name = name
        return model

    norm = {"class_name": "BatchNormalization", "config": {
        "name": "batch_normalization", "trainable": True, "dtype": "float32", "axis": [4], "momentum": 0.99,
        "epsilon": 0.001, "center": True, "scale": True}}
    conv = {"class_name": "Conv3D", "config": {
        "name": "conv3d", "trainable": True, "dtype": "float32", "filters": 2, "kernel_size": [3, 3, 3],
        "strides": [1, 1, 1], "padding": "same", "data_format": "channels_last", "dilation_rate": [1, 1, 1],
        "groups": 1, "activation": "linear", "use_bias": True}}
    case("keras2-sequential", named, ("keras2",), config=keras2_config(keras2_lstm("conv_lst_m2d", 3), norm, conv))
    # tf.keras before 2.4: no InputLayer, and the first layer has the shape.
    early = keras2_lstm("conv_lst_m2d", 3, batch_input_shape=[None, None, *SHAPE])
    without = keras2_config(early, norm, conv)
    del without["config"]["layers"][0]
    case("keras2-early", named, ("keras2",), config=without)

    def functional(*config):
        called = []
        for k, layer in enumerate(config):
            before = [] if k == 0 else [[[config[k - 1]["config"]["name"], 0, 0, {}]]]
            called.append({**layer, "name": layer["config"]["name"], "inbound_nodes": before})
        last = config[-1]["config"]["name"]
        return {"class_name": "Functional", "config": {"name": "model", "layers": called,
                                                       "input_layers": [["input_1", 0, 0]],
                                                       "output_layers": [[last, 0, 0]]}}

    first = keras2_config()["config"]["layers"][0]
    case("keras2-functional", named, ("keras2",), config=functional(first, keras2_lstm("conv_lst_m2d", 3), norm, conv))
    case("keras2-archive", named, ("keras2-archive",), config=keras2_config(keras2_lstm("conv_lst_m2d", 3), norm, conv))
    case("keras2-weights", named, ("keras2",), config=None)

    hostile(f"{OUT}/keras2-sequential.h5")
    with open(f"{OUT}/cases.json", "w") as file:
        json.dump({"keras": keras.__version__, "cases": cases}, file, indent=1)
        file.write("\n")


main()
