"""Generalised Gaussians, symmetric (GGD) and asymmetric (AGGD), fitted by moments on a grid of shapes (spec 8.2)."""

from typing import NamedTuple

import numpy as np
from scipy.special import gamma

SHAPES = 0.2 + 0.001 * np.arange(9801)  # 0.2 to 10
# (mean |x|)^2 / mean(x^2) of a GGD of each shape.
_RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


class Ggd(NamedTuple):
    """Shape alpha and standard deviation sigma of a symmetric fit; sigma is the population's."""

    alpha: float
    sigma: float


class Aggd(NamedTuple):
    """Shape alpha, and root mean squares of the negative and of the positive values of an asymmetric fit."""

    alpha: float
    left: float
    right: float

    @property
    def mean(self) -> float:
        """Mean of the fitted distribution, with the two root mean squares in place of its two scales."""
        spread = gamma(1 / self.alpha) / gamma(3 / self.alpha)
        return float((self.right - self.left) * gamma(2 / self.alpha) / gamma(1 / self.alpha) * np.sqrt(spread))


def fit_ggd(values: np.ndarray, centred: bool = False) -> Ggd:
    """Fit a GGD to all values of an array.

    Args:
        values: any shape, not empty.
        centred: subtract the mean first; else it is taken as 0.

    Returns:
        The nearest shape on the grid, the first one (0.2) if all values are 0.
    """
    x = (values - values.mean() if centred else values).ravel()
    squares = float(x @ x) / x.size
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.float64(squares) / np.abs(x).mean() ** 2
    return Ggd(float(SHAPES[np.argmin(np.abs(ratio - 1 / _RATIOS))]), float(np.sqrt(squares)))


def fit_aggd(values: np.ndarray) -> Aggd:
    """Fit an AGGD to all values of an array.

    Args:
        values: any shape, not empty. Zeros belong to neither side but count in the moments (8.2).

    Returns:
        The fit. A side without values has NaN, and then the shape is the first one of the grid, 0.2: MATLAB's minimum
        of nothing but NaN is its first.
    """
    x = values.ravel()
    negative, positive = np.minimum(x, 0), np.maximum(x, 0)
    squares = np.array([negative @ negative, positive @ positive])
    counts = np.array([np.count_nonzero(negative), np.count_nonzero(positive)])
    absolute = (positive.sum() - negative.sum()) / x.size
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = np.sqrt(squares / counts)
        g = left / right
        ratio = absolute**2 / (squares.sum() / x.size) * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    return Aggd(float(SHAPES[np.argmin((_RATIOS - ratio) ** 2)]), float(left), float(right))
