"""Loads files with Keras 3 and writes what they compute, for the tests of KerasWriter.

Usage: python3 load_keras.py JOBS.json

JOBS.json is a list of jobs {"x": X.npy, "y": Y.npy, "model": FILE, "weights": FILE or null}. x is the input, (videos,
frames, height, width, channels); y gets the outputs, computed in float64. With weights, those of a model that Keras
builds anew from the config of the model are loaded from that file.
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np


def in_float64(node):
    if isinstance(node, dict):
        return {k: "float64" if k == "dtype" else in_float64(v) for k, v in node.items()}
    return [in_float64(v) for v in node] if isinstance(node, list) else node


def outputs(x, model, weights):
    keras.backend.set_floatx("float32")
    loaded = keras.saving.load_model(model)
    if weights:
        # From the config alone: with initial values.
        loaded = keras.Model.from_config(loaded.get_config())
        loaded.load_weights(weights)
    keras.backend.set_floatx("float64")
    exact = keras.Model.from_config(in_float64(loaded.get_config()))
    exact.set_weights([np.asarray(value, np.float64) for value in loaded.get_weights()])
    return keras.ops.convert_to_numpy(exact(x.astype(np.float64), training=False))


for job in json.load(open(sys.argv[1])):
    y = outputs(np.load(job["x"]), job["model"], job["weights"])
    np.save(job["y"], np.asarray(y, np.float32))
