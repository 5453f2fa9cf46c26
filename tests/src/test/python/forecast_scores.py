"""Reference values for ForecastScoresTest, in float64 with NumPy.

    python3 forecast_scores.py > ../resources/io/framecast/predict/forecast-scores.properties

SSIM is computed straight from its definition: for every window position the weighted means, the
weighted central moments, and the index, with the two-dimensional Gaussian.
"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def video(number, frames, height, width, channels, mix):
    """Integers 0..255 from a formula; the test uses the same formula."""
    t, y, x, c = np.meshgrid(*map(np.arange, (frames, height, width, channels)), indexing="ij")
    truth = (x * 11 + y * 7 + x * y % 17 * 5 + t * 29 + c * 37 + number * 53) % 256
    other = (x * 91 + y * 57 + t * 13 + c * 71 + number * 17) % 256
    whole = (mix * other + (4 - mix) * truth) // 4
    return (whole / 255.0).astype(np.float32).astype(np.float64)


def gaussian(size):
    length = min(11, size if size % 2 == 1 else size - 1)
    w = np.exp(-((np.arange(length) - length // 2) ** 2) / (2 * 1.5 ** 2))
    return w / w.sum()


def ssim(a, b):
    w = np.outer(gaussian(a.shape[0]), gaussian(a.shape[1]))
    wa, wb = sliding_window_view(a, w.shape), sliding_window_view(b, w.shape)
    ma, mb = (w * wa).sum((-2, -1)), (w * wb).sum((-2, -1))
    da, db = wa - ma[..., None, None], wb - mb[..., None, None]
    va, vb, cov = ((w * p).sum((-2, -1)) for p in (da * da, db * db, da * db))
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    return np.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma ** 2 + mb ** 2 + c1) * (va + vb + c2)))


def scores(name, videos, shape):
    truth = np.stack([video(n, *shape, 0) for n in range(videos)])
    prediction = np.stack([video(n, *shape, 1) for n in range(videos)])
    error = prediction - truth
    frames, channels = shape[0], shape[3]
    values = {
        "mse": (error ** 2).sum((2, 3, 4)).mean(0),
        "mae": np.abs(error).sum((2, 3, 4)).mean(0),
        "psnr": (-10 * np.log10((error ** 2).mean((2, 3, 4)))).mean(0),
        "ssim": np.array([np.mean([ssim(truth[n, t, ..., c], prediction[n, t, ..., c])
                                   for n in range(videos) for c in range(channels)]) for t in range(frames)]),
    }
    for metric, numbers in values.items():
        print(f"{name}.{metric}={','.join(repr(float(v)) for v in numbers)}")


print("# Made by tests/src/test/python/forecast_scores.py")
scores("color", 2, (3, 17, 14, 3))
scores("small", 1, (2, 8, 20, 1))
