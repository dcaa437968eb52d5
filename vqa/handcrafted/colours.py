"""Colour conversions of MATLAB as the handcrafted features use them (spec section 8.0): planes first, ``(3, H, W)``."""

import numpy as np

# BT.601, studio range: Y'CbCr in 0..255 is this times R'G'B' in 0..1, plus the offset.
_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
_OFFSET = np.array([16.0, 128.0, 128.0])
_TO_RGB = np.linalg.inv(_YCBCR)

# Linear R, G, B to CIE XYZ: of rgb2lab at D65, and of the ICC profile of sRGB at D50 with its white.
_XYZ_D65 = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_XYZ_D50 = np.array(
    [
        [0.436065673828125, 0.3851470947265625, 0.1430816650390625],
        [0.2224884033203125, 0.7168731689453125, 0.06060791015625],
        [0.013916015625, 0.0970764160156250, 0.7140960693359375],
    ]
)
_WHITE_D50 = np.array([0.9642, 1.0, 0.8249])


def product(matrix: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Each pixel of ``planes (3, H, W)``, taken as a vector, times ``matrix (3, 3)``; float64.

    Terms are added from the first to the last. A library's product rounds as suits the processor at hand, and what
    comes of it is rounded to 8 bits.
    """
    out = np.empty(planes.shape)
    for to, weights in zip(out, matrix, strict=True):
        np.multiply(planes[0], weights[0], out=to)
        to += weights[1] * planes[1]
        to += weights[2] * planes[2]
    return out


def linearized(rgb: np.ndarray, threshold: float = 0.04045) -> np.ndarray:
    """Light of sRGB values in [0, 1]; up to ``threshold`` the curve is a line."""
    return np.where(rgb > threshold, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def _lightness(t: np.ndarray) -> np.ndarray:
    """The function f of CIE Lab: a cube root with a line near 0."""
    return np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Numbers to uint8 as MATLAB casts them: rounded half away from zero, clipped to 0..255."""
    rounded = values + 0.5
    return np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)  # the cast cuts off the fraction


def ycbcr2rgb(planes: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr ``(3, H, W)`` in [0, 1] (8-bit values / 255) to R, G, B in [0, 1], clipped."""
    return np.clip(product(_TO_RGB, 255 * planes - _OFFSET[:, None, None]), 0, 1)


def ycbcr2rgb_uint8(planes: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr uint8 ``(3, H, W)`` to R, G, B uint8: summed in double, rounded once half away from zero, clipped."""
    return to_uint8(product(255 * _TO_RGB, planes.astype(np.float64) - _OFFSET[:, None, None]))


def rgb2lab(rgb: np.ndarray) -> np.ndarray:
    """R, G, B ``(3, H, W)`` in [0, 1] to CIE L* in 0..100, a*, b*, with the white of D65."""
    white = _XYZ_D65.sum(1)[:, None, None]
    x, y, z = _lightness(product(_XYZ_D65, linearized(rgb)) / white)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _profile_curve() -> np.ndarray:
    """Light ``(256,)`` of each 8-bit value by the curve of the sRGB profile: 1024 points of 16 bits, interpolated."""
    points = np.round(linearized(np.arange(1024) / 1023) * 65535) / 65535
    return np.interp(np.arange(256) / 255 * 1023, np.arange(1024), points)


_CURVE = _profile_curve()
# XYZ is rounded to 1/32768, so f takes these values only; light of 1 sums to at most a few units over the white.
_STEPS = 32768
_LIGHTNESS = np.stack([_lightness(np.arange(_STEPS + 64) / _STEPS / white) for white in _WHITE_D50])


def lab_uint8(rgb: np.ndarray) -> np.ndarray:
    """R, G, B uint8 ``(3, H, W)`` to uint8 codes of Lab, by the ICC profile of sRGB under the white D50.

    Codes are L* 255 / 100, a* + 128 and b* + 128, rounded half away from zero and clipped. The curve is a table of 16
    bits and XYZ is rounded to 1/32768: the variant that comes closest to the published features (8.0).
    """
    steps = product(_XYZ_D50 * _STEPS, _CURVE[rgb])
    steps += 0.5  # the cast cuts off the fraction
    x, y, z = (table[plane] for table, plane in zip(_LIGHTNESS, steps.astype(np.int32), strict=True))
    return np.stack([to_uint8(code) for code in ((116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128)])
