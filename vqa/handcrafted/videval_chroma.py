"""Frame features 32-43 of VIDEVAL: FRIQUEE's chroma map of 8-bit Lab, and a blue-sensitive cone response (8.2)."""

import numpy as np

from vqa.handcrafted.colours import lab_uint8, linearized
from vqa.handcrafted.distributions import fit_aggd, fit_ggd
from vqa.handcrafted.flat import Rule
from vqa.handcrafted.matlab import imresize, kurtosis, skewness
from vqa.handcrafted.natural_scene import (
    ANTIDIAGONAL,
    DIAGONAL,
    HORIZONTAL,
    VERTICAL,
    difference_of_gaussians,
    laplacian_band,
    mscn,
    pairs,
)

# CAT02: linear R, G, B to XYZ, given by its inverse, and XYZ to the long, middle and short cone responses.
_FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.057]])
_CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])
_LMS = _CAT02 @ np.linalg.inv(_FROM_XYZ)
_LIGHT = linearized(np.arange(256) / 255, threshold=0.0404482362771076)


def cone_response(rgb: np.ndarray, cone: int) -> np.ndarray:
    """One of L, M, S (0, 1, 2) of uint8 R, G, B ``(3, H, W)``: float64 ``(H, W)``."""
    red, green, blue = ((weight * _LIGHT)[plane] for weight, plane in zip(_LMS[cone], rgb, strict=True))
    return red + green + blue


def chroma_map(rgb: np.ndarray) -> np.ndarray:
    """Length ``(H, W)`` of the uint8 codes of a* and b*, whose offset of 128 stays in (quirk, 8.0): gray is 181.02."""
    a, b = lab_uint8(rgb)[1:].astype(np.float64)
    return np.sqrt(a * a + b * b)


def chroma_features(chroma: np.ndarray, flat: Rule, pair_scale: int = 1) -> np.ndarray:
    """Frame features 32-42.

    Args:
        chroma: ``(H, W)``.
        flat: what stands for normalised pixels of flat windows (8.0.2).
        pair_scale: of feature 37: 1, full size, as in the published matrices; 2, half size, as in the released code.
    """
    normalised, sigma = mscn(chroma, flat)
    half_normalised, half_sigma = mscn(imresize(chroma, 0.5))
    vertical = pairs(normalised, VERTICAL)
    detail = mscn(difference_of_gaussians(sigma))[0]
    return np.array(
        [
            fit_aggd(pairs(normalised, HORIZONTAL)).right ** 2,
            fit_aggd(vertical).alpha,
            fit_aggd(pairs(normalised, DIAGONAL)).left ** 2,
            kurtosis(pairs(normalised, ANTIDIAGONAL)),
            skewness(sigma),
            kurtosis(vertical if pair_scale == 1 else pairs(half_normalised, VERTICAL)),
            kurtosis(half_sigma),
            half_sigma.mean(),
            fit_ggd(detail).sigma,
            skewness(detail),
            skewness(laplacian_band(chroma)),
        ]
    )


def cone_feature(rgb: np.ndarray) -> float:
    """Frame feature 43: deviation of the normalised field of deviation of the short cones, at half size."""
    sigma = mscn(imresize(cone_response(rgb, 2), 0.5))[1]
    return fit_ggd(mscn(sigma)[0]).sigma
