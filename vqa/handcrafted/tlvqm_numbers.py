"""Statistics that several groups of TLVQM features share, with MATLAB's conventions (spec 8.0, 8.1)."""

import numpy as np

from vqa.handcrafted.matlab import std


def deviation(values: np.ndarray) -> float:
    """Standard deviation over N - 1 of all values; 0 for fewer than two."""
    return float(std(values)) if values.size else 0.0


def mean_of_largest(values: np.ndarray, share: float) -> float:
    """Mean of the floor(``share`` N) largest of N values of any shape; 0 if these are none."""
    count = int(share * values.size)
    if count == 0:
        return 0.0
    return float(np.partition(values, values.size - count, axis=None)[values.size - count :].mean())


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of all values of two arrays of one shape; 0 if one is constant."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    norms = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norms) if norms > 0 else 0.0
