"""Writes the .npy files beside this script with NumPy itself: python3 make.py"""
import gzip
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

# The same pictures in every type of whole number: value / 255 of uint8 is where each value lies in its type's range.
wide = uint8.astype(np.uint64)
save("bool.npy", uint8 > 100)
save("int8.npy", (uint8 ^ 0x80).view(np.int8))
save("uint16.npy", (wide * 0x101).astype(np.uint16))
save("int16.npy", (wide * 0x101 ^ 0x8000).astype(np.uint16).view(np.int16))
save("uint32.npy", (wide * 0x1010101).astype(np.uint32))
save("int32.npy", (wide * 0x1010101 ^ 0x80000000).astype(np.uint32).view(np.int32))
save("uint64.npy", wide * 0x101010101010101)
save("int64.npy", (wide * 0x101010101010101 ^ np.uint64(1 << 63)).view(np.int64))
save("uint16-big-endian.npy", (wide * 0x101).astype(">u2"))
save("int64-big-endian-fortran.npy", np.asfortranarray((wide * 0x101010101010101 ^ np.uint64(1 << 63)).view(np.int64)).astype(">i8"))
save("float16.npy", floats.astype(np.float16))
save("complex.npy", floats.astype(np.complex64))
save("longdouble.npy", floats.astype(np.longdouble))
save("text.npy", uint8.astype("U3"))
ragged = np.empty(2, dtype=object)
ragged[:] = [uint8[0, :2], uint8[0]]
save("ragged.npy", ragged)

np.savez("one.npz", uint8)
np.savez_compressed("one-compressed.npz", uint8)
np.savez("several.npz", videos=uint8, labels=np.arange(2))
with gzip.GzipFile("uint8.npy.gz", "wb", mtime=0) as f:
    npy.write_array(f, uint8, version=(1, 0))
