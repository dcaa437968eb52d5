"""GM-LOG: joint statistics of gradient magnitude and Laplacian of Gaussian (spec section 8.2, GM-LOG details)."""

import numpy as np

from vqa.handcrafted.matlab import filter2, filter2_separable, fspecial_log
from vqa.handcrafted.natural_scene import gaussian

_SIGMA = 0.5
_BINS = 10  # centres 1..10 of each histogram axis
_STEP = 0.2  # of the quantisation

_AROUND = gaussian(7, _SIGMA)
_SMOOTH = _AROUND[1:6] / _AROUND[1:6].sum()
_DIFFERENCE = _AROUND[1:6] - _AROUND[2:7]
_DIFFERENCE /= np.abs(_DIFFERENCE).sum()
_LOG = fspecial_log(5, _SIGMA)
_LOG /= np.abs(_LOG).sum()
_NEIGHBOURHOOD = gaussian(7, 1.0)


def gradients(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and vertical derivative ``(H, W)``: a Gaussian minus itself one pixel on, absolute sum 1."""
    return filter2_separable(_SMOOTH, _DIFFERENCE, image), filter2_separable(_DIFFERENCE, _SMOOTH, image)


def histogram(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Counts ``(10, 10)`` of pairs of whole numbers at centres 1..10; what lies beyond counts at the ends."""
    bins = [np.clip(values, 1, _BINS).astype(np.int64).ravel() - 1 for values in (rows, columns)]
    return np.bincount(bins[0] * _BINS + bins[1], minlength=_BINS * _BINS).reshape(_BINS, _BINS)


def gmlog_features(luma: np.ndarray) -> np.ndarray:
    """All 40 numbers: marginals of gradient and of Laplacian, then each given the other; 10 each, each sums to 1.

    Args:
        luma: ``(H, W)`` in 0..255.
    """
    gx, gy = gradients(luma)
    magnitude = np.sqrt(gx * gx + gy * gy) / 2.5
    laplacian = np.abs(filter2(_LOG, luma))
    energy = (magnitude * magnitude + laplacian * laplacian) / 2
    scale = np.sqrt(filter2_separable(_NEIGHBOURHOOD, _NEIGHBOURHOOD, energy)) + 0.2
    inner = np.s_[2:-2, 2:-2]
    quantised = [np.ceil(response[inner] / scale[inner] / _STEP) for response in (magnitude, laplacian)]
    joint = histogram(*quantised) / quantised[0].size
    of_gradient, of_laplacian = joint.sum(1), joint.sum(0)
    given_laplacian = (joint / (of_laplacian + 1e-4)).sum(1)
    given_gradient = (joint / (of_gradient[:, None] + 1e-4)).sum(0)
    return np.concatenate(
        [of_gradient, of_laplacian, given_laplacian / given_laplacian.sum(), given_gradient / given_gradient.sum()]
    )
