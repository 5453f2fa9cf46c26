"""Reference values for ForecastScoresTest, in float64 with NumPy.

    python3 forecast_scores.py > ../resources/io/framecast/predict/forecast-scores.properties

SSIM is computed straight from its definition: for every window position the weighted means, the
weighted central moments, and the index, with the two-dimensional Gaussian.
"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def video(number, frames, height, width, channels, mix, stretch=1):
    """Integers 0..255 from a formula; the test uses the same formula. Stretched values leave [0, 1]."""
    t, y, x, c = np.meshgrid(*map(np.arange, (frames, height, width, channels)), indexing="ij")
    truth = (x * 11 + y * 7 + x * y % 17 * 5 + t * 29 + c * 37 + number * 53) % 256
    other = (x * 91 + y * 57 + t * 13 + c * 71 + number * 17) % 256
    whole = (mix * other + (4 - mix) * truth) // 4
    return (0.5 + stretch * (whole / 255.0 - 0.5)).astype(np.float32).astype(np.float64)


def gaussian(size):
    length = min(11, size if size % 2 == 1 else size - 1)
    w = np.exp(-((np.arange(length) - length // 2) ** 2) / (2 * 1.5 ** 2))
    return w / w.sum()


def uniform(size):
    length = min(7, size if size % 2 == 1 else size - 1)
    return np.full(length, 1 / length)


def ssim(a, b, weights=gaussian, sample=False, data_range=1):
    """sample: whether (co)variances divide by n - 1, as scikit-image's by default; its default window is uniform."""
    w = np.outer(weights(a.shape[0]), weights(a.shape[1]))
    wa, wb = sliding_window_view(a, w.shape), sliding_window_view(b, w.shape)
    ma, mb = (w * wa).sum((-2, -1)), (w * wb).sum((-2, -1))
    da, db = wa - ma[..., None, None], wb - mb[..., None, None]
    va, vb, cov = ((w * p).sum((-2, -1)) * (w.size / (w.size - 1) if sample else 1)
                   for p in (da * da, db * db, da * db))
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    return np.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma ** 2 + mb ** 2 + c1) * (va + vb + c2)))


def scores(name, videos, shape, stretch=1):
    truth = np.stack([video(n, *shape, 0) for n in range(videos)])
    prediction = np.stack([video(n, *shape, 1, stretch) for n in range(videos)])
    clipped = prediction.clip(0, 1)
    error = prediction - truth
    frames, channels = shape[0], shape[3]

    def similarity(**definition):
        return np.array([np.mean([ssim(truth[n, t, ..., c], clipped[n, t, ..., c], **definition)
                                  for n in range(videos) for c in range(channels)]) for t in range(frames)])

    values = {
        "mse": (error ** 2).sum((2, 3, 4)).mean(0),
        "mae": np.abs(error).sum((2, 3, 4)).mean(0),
        "psnr": (-10 * np.log10(((clipped - truth) ** 2).mean((2, 3, 4)))).mean(0),
        "ssim": similarity(),
        "uniform": similarity(weights=uniform, sample=True),
        "wide": similarity(weights=uniform, sample=True, data_range=2),
    }
    for metric, numbers in values.items():
        print(f"{name}.{metric}={','.join(repr(float(v)) for v in numbers)}")


print("# Made by tests/src/test/python/forecast_scores.py")
scores("color", 2, (3, 17, 14, 3))
scores("small", 1, (2, 8, 20, 1))
scores("stretched", 2, (2, 5, 12, 1), 1.5)
