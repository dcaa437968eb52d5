"""Probabilities of several tests that are asked together."""

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjustment of ``(m,)`` p-values: all below a level are found with that error over the whole family.

    NaN stays NaN and is no member of the family.
    """
    adjusted = np.full(len(p), np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted
