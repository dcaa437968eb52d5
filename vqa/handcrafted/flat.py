"""What is left of an image in an exactly flat window after its mean is taken away (spec section 8.0.2).

It is 0 or some 1e-14, never seen but where products of neighbours are counted as positive or negative: there a share
of flat pixels moves features by up to 80 %. The published features carry the residues of the library MATLAB filters
with, so a rule that gives the same residues comes closest to them.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

# From normalised pixels of so little on, and those values, to what they are replaced by.
FLAT = 1e-9
Rule = Callable[[np.ndarray], np.ndarray]

# The two vectors into which MATLAB's filter2 factors the 7x7 window: first down the columns, then along the rows.
_COLUMN = [
    *("0x1.9b92991f2487ep-7", "0x1.42e11ca517a60p-4", "0x1.e5fb7c557fad1p-3", "0x1.5edacbc602377p-2"),
    *("0x1.e5fb7c557fad1p-3", "0x1.42e11ca517a60p-4", "0x1.9b92991f24881p-7"),
]
_ROW = [
    *("0x1.9b92991f24880p-7", "0x1.42e11ca517a5dp-4", "0x1.e5fb7c557fad0p-3", "0x1.5edacbc602376p-2"),
    *("0x1.e5fb7c557fad0p-3", "0x1.42e11ca517a5ep-4", "0x1.9b92991f24880p-7"),
]
_VECTORS = [[float.fromhex(tap).as_integer_ratio() for tap in vector] for vector in (_COLUMN, _ROW)]


@lru_cache(maxsize=1 << 16)
def _residue(value: float) -> float:
    """``value`` minus its mean over a flat window, each product added with one rounding (fused multiply-add)."""
    mean = value
    for vector in _VECTORS:
        (factor, below), total = mean.as_integer_ratio(), 0.0
        for tap, tap_below in vector:
            added, added_below = total.as_integer_ratio()
            # Whole numbers are exact and their quotient is rounded once. Python 3.11 has no math.fma.
            total = (tap * factor * added_below + added * tap_below * below) / (tap_below * below * added_below)
        mean = total
    return value - mean


def published(values: np.ndarray) -> np.ndarray:
    """Residues of flat windows of these values, as the published features have them."""
    distinct, inverse = np.unique(values, return_inverse=True)
    return np.array([_residue(v) for v in distinct.tolist()])[inverse]


def clean(values: np.ndarray) -> np.ndarray:
    """No residues: what exact arithmetic gives, and any code, but not the published features."""
    return np.zeros_like(values)


def replace(normalised: np.ndarray, image: np.ndarray, rule: Rule) -> None:
    """Replace pixels of ``normalised (H, W)`` that are as good as 0, in place, by what ``rule`` gives for ``image``."""
    where = np.abs(normalised) < FLAT
    if where.any():
        normalised[where] = rule(image[where])
