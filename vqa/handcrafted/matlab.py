"""Functions of MATLAB that the handcrafted features are made of, where NumPy's and SciPy's have other conventions.

Spec section 8.0. Images are float64 ``(H, W)`` unless said.
"""

from functools import lru_cache

import numpy as np
from scipy import ndimage


def _keys(x: np.ndarray) -> np.ndarray:
    """Cubic convolution kernel of Keys with a = -0.5; 0 outside [-2, 2]."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@lru_cache(maxsize=64)  # a clip asks for the same few sizes frame after frame
def _taps(size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and weights of each output of ``imresize`` along one axis.

    Returns:
        Indices ``(K, n)`` of inputs from 0 and their weights ``(K, n)`` for the n = ceil(scale size) outputs. Taps
        that weigh nothing in any output are left out.
    """
    shrink = min(scale, 1.0)  # the kernel is stretched against aliasing
    support = 4 / shrink
    centre = np.arange(1, int(np.ceil(scale * size)) + 1) / scale + 0.5 * (1 - 1 / scale)
    taps = np.floor(centre - support / 2) + np.arange(int(np.ceil(support)) + 2)[:, None]
    weights = shrink * _keys(shrink * (centre - taps))
    weights /= weights.sum(0)
    used = weights.any(1)
    index = (taps[used].astype(np.int64) - 1) % (2 * size)  # a mirror with the edge repeated has this period
    return np.where(index < size, index, 2 * size - 1 - index), weights[used]


def _resize_rows(image: np.ndarray, scale: float) -> np.ndarray:
    """Resize axis 0 of ``image``; each output is summed tap by tap, from the first input to the last (8.0.1)."""
    index, weights = _taps(image.shape[0], scale)
    out = image[index[0]] * weights[0][:, None]
    for rows, weight in zip(index[1:], weights[1:], strict=True):
        term = image[rows]
        term *= weight[:, None]
        out += term
    return out


def imresize(image: np.ndarray, scale: float) -> np.ndarray:
    """Bicubic resizing with antialiasing, rows first, neither clipped nor rounded.

    Args:
        image: ``(H, W)`` of any real type.
        scale: factor of both sides, positive.

    Returns:
        Float64 ``(ceil(scale H), ceil(scale W))``.

    Raises:
        ValueError: if the scale is not positive.
    """
    if not scale > 0:
        raise ValueError(f"imresize: scale must be positive, not {scale}")
    rows = _resize_rows(np.asarray(image, dtype=np.float64), scale)
    return np.ascontiguousarray(_resize_rows(np.ascontiguousarray(rows.T), scale).T)


def fspecial_gaussian(size: int, sigma: float) -> np.ndarray:
    """Gaussian window ``(size, size)`` that sums to 1; entries below eps times the largest are 0."""
    x = np.arange(size) - (size - 1) / 2
    window = np.exp(-(x**2 + x[:, None] ** 2) / (2 * sigma**2))
    window[window < np.finfo(np.float64).eps * window.max()] = 0
    return window / window.sum()


def fspecial_log(size: int, sigma: float) -> np.ndarray:
    """Laplacian of a Gaussian ``(size, size)`` that sums to 0."""
    x = np.arange(size) - (size - 1) / 2
    laplacian = fspecial_gaussian(size, sigma) * (x**2 + x[:, None] ** 2 - 2 * sigma**2) / sigma**4
    return laplacian - laplacian.mean()


def imfilter(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlation with zero padding, same size, added in MATLAB's order: it decides ties of corners (8.0.1).

    Products are added one by one, last column of the kernel first and in a column the last row first.

    Args:
        image: ``(H, W)``.
        kernel: of odd sides.
    """
    height, width = image.shape
    rows, columns = kernel.shape
    padded = np.pad(image, ((rows // 2,) * 2, (columns // 2,) * 2))
    out, term = np.zeros((height, width)), np.empty((height, width))
    for column in reversed(range(columns)):
        for row in reversed(range(rows)):
            if kernel[row, column]:
                np.multiply(padded[row : row + height, column : column + width], kernel[row, column], out=term)
                out += term
    return out


def filter2(kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Correlation with zero padding, same size as the image; rounds in another order than ``imfilter``.

    Args:
        kernel: ``(h, w)`` of odd sides.
        image: ``(H, W)``.
    """
    return ndimage.correlate(image, kernel, mode="constant")


def filter2_separable(column: np.ndarray, row: np.ndarray, image: np.ndarray) -> np.ndarray:
    """``filter2`` by the kernel ``outer(column, row)`` of rank 1: columns are filtered first, then rows.

    Args:
        column: vector of odd length, applied down the columns.
        row: vector of odd length, applied along the rows.
        image: ``(H, W)``.
    """
    down = ndimage.correlate1d(image, column, axis=0, mode="constant")
    return ndimage.correlate1d(down, row, axis=1, mode="constant")


def imgradient(image: np.ndarray) -> np.ndarray:
    """Gradient magnitude by the unnormalised Sobel kernels; the border is replicated."""
    gx = ndimage.sobel(image, axis=1, mode="nearest")
    gy = ndimage.sobel(image, axis=0, mode="nearest")
    return np.sqrt(gx * gx + gy * gy)


def std(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Standard deviation over N - 1; 0 for a single value, as in MATLAB, and NaN for none."""
    values = np.asarray(values)
    n = values.size if axis is None else values.shape[axis]
    return values.std(axis=axis, ddof=1 if n > 1 else 0)


def skewness(values: np.ndarray) -> float:
    """Population skewness m3 / m2^1.5 over all values; NaN if they are equal."""
    centred = values - values.mean()
    squares = centred * centred
    with np.errstate(invalid="ignore", divide="ignore"):
        return float((squares * centred).mean() / squares.mean() ** 1.5)


def kurtosis(values: np.ndarray) -> float:
    """Population kurtosis m4 / m2^2 over all values, 3 for a Gaussian; NaN if they are equal."""
    squares = (values - values.mean()) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return float((squares * squares).mean() / squares.mean() ** 2)
