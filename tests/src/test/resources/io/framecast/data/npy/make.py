"""Writes the .npy files beside this script with NumPy itself: python3 make.py"""
import os
import numpy as np
from numpy.lib import format as npy

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def save(name, array, version=(1, 0)):
    with open(name, "wb") as f:
        npy.write_array(f, array, version=version, allow_pickle=True)


# Every value tells its place: video 100, frame 20, row 4, column 1 (uint8); a fraction of 256 (float32).
n, t, h, w = np.ogrid[:2, :3, :4, :3]
uint8 = (100 * n + 20 * t + 4 * h + w).astype(np.uint8)
floats = np.stack([uint8 / 256, 1 - uint8 / 256], axis=-1).astype(np.float32)

save("uint8-v1.npy", uint8)
save("uint8-v2.npy", uint8, (2, 0))
save("uint8-v3.npy", uint8, (3, 0))
save("float32-v1.npy", floats)
save("fortran.npy", np.asfortranarray(uint8))
save("big-endian.npy", floats.astype(">f4"))
save("float64.npy", floats.astype(np.float64))
save("rank3.npy", uint8[0])
save("no-videos.npy", uint8[:0])
save("one-frame.npy", uint8[:, :1])
save("empty-images.npy", uint8[:, :, :0])
save("objects.npy", np.full((2, 3, 4, 3), None, dtype=object))
save("records.npy", np.zeros((2, 3, 4, 3), dtype=[("a", "u1"), ("b", "<f4")]))
