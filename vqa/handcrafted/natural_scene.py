"""Maps of natural scene statistics: normalised pixels, fields of local deviation, pairs of neighbours, Laplacian band.

Spec section 8.2, common operators. Images are float64 ``(H, W)``, mostly 8-bit values 0..255 that were not divided.
"""

import numpy as np
from scipy import ndimage

from vqa.handcrafted.flat import Rule, replace
from vqa.handcrafted.matlab import filter2_separable

# Shifts (down, right) between the neighbours of a pair.
HORIZONTAL, VERTICAL, DIAGONAL, ANTIDIAGONAL = (0, 1), (1, 0), (1, 1), (-1, 1)

_BINOMIAL = np.sqrt(2) * np.array([1, 4, 6, 4, 1]) / 16


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Vector ``(size,)`` that sums to 1 and whose outer product with itself is MATLAB's Gaussian window."""
    x = np.arange(size) - (size - 1) / 2
    vector = np.exp(-(x**2) / (2 * sigma**2))
    return vector / vector.sum()


_WINDOW, _WIDER = gaussian(7, 7 / 6), gaussian(7, 1.5 * 7 / 6)


def mscn(image: np.ndarray, flat: Rule | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean subtracted, contrast normalised pixels and the field of local deviation; outside the image all is 0.

    Args:
        image: ``(H, W)``.
        flat: what to put into flat windows (8.0.2); needed where products of neighbours are fitted.

    Returns:
        The normalised image N = (I - mu) / (sigma + 1) and sigma, each ``(H, W)``.
    """
    mean = filter2_separable(_WINDOW, _WINDOW, image)
    sigma = filter2_separable(_WINDOW, _WINDOW, image * image)
    sigma -= mean * mean
    np.sqrt(np.abs(sigma, out=sigma), out=sigma)
    normalised = image - mean
    normalised /= sigma + 1
    if flat is not None:
        replace(normalised, image, flat)
    return normalised, sigma


def difference_of_gaussians(image: np.ndarray) -> np.ndarray:
    """The image under the window of ``mscn`` minus the image under one that is 1.5 times as wide, both 7x7."""
    return filter2_separable(_WINDOW, _WINDOW, image) - filter2_separable(_WIDER, _WIDER, image)


def pairs(normalised: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Products ``(H, W)`` of each pixel and the one that ``shift`` moves onto it, around the border."""
    return normalised * np.roll(normalised, shift, (0, 1))


def laplacian_band(image: np.ndarray) -> np.ndarray:
    """The finest band ``(H, W)`` of a Laplacian pyramid: the image minus its low-pass half, expanded again.

    Borders are mirrored without repeating the edge, on the way up on the image with zeros put in.
    """
    low = ndimage.correlate1d(image, _BINOMIAL, axis=1, mode="mirror")[:, ::2]
    low = ndimage.correlate1d(low, _BINOMIAL, axis=0, mode="mirror")[::2]
    expanded = np.zeros_like(image)
    expanded[::2, ::2] = low
    expanded = ndimage.correlate1d(expanded, _BINOMIAL, axis=0, mode="mirror")
    return image - ndimage.correlate1d(expanded, _BINOMIAL, axis=1, mode="mirror")
