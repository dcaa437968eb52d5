"""Frame features 1-31 of VIDEVAL: BRISQUE, GM-LOG, HIGRADE and FRIQUEE luma, chosen numbers of each (spec section 8.2).

BRISQUE and FRIQUEE normalise the same two images, so they come from one function.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from vqa.handcrafted.distributions import fit_aggd, fit_ggd
from vqa.handcrafted.flat import Rule
from vqa.handcrafted.gmlog import gmlog_features
from vqa.handcrafted.matlab import imgradient, imresize, kurtosis, skewness
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

_GMLOG_CHOSEN = np.array([2, 4, 8, 18, 20, 23, 34, 40]) - 1
_LOG_FLOOR = 0.1


@dataclass(frozen=True)
class Scales:
    """Normalised pixels and local deviations of an image at full and at half size, each ``(H, W)`` of its size."""

    normalised: np.ndarray
    sigma: np.ndarray
    half_normalised: np.ndarray
    half_sigma: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, flat: Rule | None = None) -> Self:
        """Both scales of ``image (H, W)``; ``flat`` as for ``mscn``."""
        return cls(*mscn(image, flat), *mscn(imresize(image, 0.5), flat))


def brisque_features(luma: Scales) -> np.ndarray:
    """Frame features 1-4."""
    return np.array(
        [
            fit_aggd(pairs(luma.normalised, HORIZONTAL)).left ** 2,
            fit_aggd(pairs(luma.normalised, VERTICAL)).left ** 2,
            fit_aggd(pairs(luma.half_normalised, HORIZONTAL)).left ** 2,
            fit_aggd(pairs(luma.half_normalised, DIAGONAL)).alpha,
        ]
    )


def _across(image: np.ndarray) -> np.ndarray:
    """Correlation with [0 1 0; -1 0 -1; 0 1 0], zeros outside."""
    out = np.zeros_like(image)
    out[:-1] += image[1:]
    out[1:] += image[:-1]
    out[:, :-1] -= image[:, 1:]
    out[:, 1:] -= image[:, :-1]
    return out


def higrade_features(luma: np.ndarray) -> np.ndarray:
    """Frame features 13-20, of the gradient magnitude; its deviations are the population's, about the mean."""
    gradient = imgradient(luma)
    normalised, half = mscn(gradient)[0], mscn(imresize(gradient, 0.5))[0]
    logarithm = np.log(np.abs(normalised) + _LOG_FLOOR)
    down, right, both = (np.roll(logarithm, shift, (0, 1)) for shift in (VERTICAL, HORIZONTAL, DIAGONAL))
    mixed = fit_ggd(logarithm + both - right - down, centred=True)
    across = fit_ggd(_across(logarithm), centred=True)
    # The half size takes no logarithm (quirk, 8.2).
    diagonal, antidiagonal = (
        fit_ggd(half - np.roll(half, shift, (0, 1)), centred=True) for shift in (DIAGONAL, ANTIDIAGONAL)
    )
    half_across = fit_ggd(_across(half), centred=True)
    return np.array(
        [
            normalised.std(),
            mixed.sigma,
            mixed.alpha,
            across.alpha,
            half.std(),
            diagonal.alpha,
            antidiagonal.alpha,
            half_across.sigma,
        ]
    )


def friquee_luma_features(luma: np.ndarray, scales: Scales) -> np.ndarray:
    """Frame features 21-31."""
    horizontal = pairs(scales.normalised, HORIZONTAL)
    detail = difference_of_gaussians(scales.sigma)
    normalised_detail, detail_sigma = mscn(detail)
    band = fit_ggd(laplacian_band(luma))
    return np.array(
        [
            skewness(horizontal),
            fit_aggd(pairs(scales.normalised, VERTICAL)).mean,
            scales.sigma.mean(),
            fit_aggd(horizontal).alpha,  # of full size where half size was meant (quirk, 8.2)
            scales.half_sigma.mean(),
            skewness(scales.half_normalised),
            fit_ggd(normalised_detail).sigma,
            kurtosis(normalised_detail),
            kurtosis(mscn(detail_sigma)[0]),
            band.alpha,
            band.sigma,
        ]
    )


def luma_features(luma: np.ndarray, flat: Rule) -> np.ndarray:
    """Frame features 1-31 of one frame.

    Args:
        luma: ``(H, W)`` in 0..255, float64.
        flat: what stands for normalised pixels of flat windows (8.0.2).
    """
    scales = Scales.of(luma, flat)
    gmlog = gmlog_features(luma)[_GMLOG_CHOSEN]
    friquee = friquee_luma_features(luma, scales)
    return np.concatenate([brisque_features(scales), gmlog, higrade_features(luma), friquee])
