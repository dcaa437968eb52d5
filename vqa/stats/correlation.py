"""Percentile bootstrap intervals over items, for SRCC and PLCC and what is made of them: gaps and medians.

An interval says how much a number would move had other items of the same kind been rated. It does not cover the
training seed, nor the choice of the epoch on the test set. The interval of a gap is that of the difference of two
distributions, for training and test items are different items and are resampled independently.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

# Numbers of one block of resamples: 2^21 doubles are 16 MB per array, whatever the size of the test set.
BLOCK = 1 << 21


def row_plcc(pred: np.ndarray, mos: np.ndarray) -> np.ndarray:
    """Pearson's correlation of every row.

    Args:
        pred: ``(R, n)`` predictions on any scale.
        mos: ``(R, n)`` labels of the same items.

    Returns:
        ``(R,)`` values in [-1, 1]; NaN where a side of a row is constant.
    """
    constant = (np.ptp(pred, axis=1) == 0) | (np.ptp(mos, axis=1) == 0)
    pred = pred - pred.mean(axis=1, keepdims=True)
    mos = mos - mos.mean(axis=1, keepdims=True)
    covariance = np.einsum("rn,rn->r", pred, mos)
    scale = np.sqrt(np.einsum("rn,rn->r", pred, pred) * np.einsum("rn,rn->r", mos, mos))
    # Rounding leaves a tiny scale where a row is constant: such rows are named, not guessed from the quotient.
    return np.divide(covariance, scale, out=np.full(len(pred), np.nan), where=~constant & (scale > 0))


def row_srcc(pred: np.ndarray, mos: np.ndarray) -> np.ndarray:
    """Spearman's correlation of every row, ties at their mean rank; arguments and result as :func:`row_plcc`."""
    return row_plcc(stats.rankdata(pred, axis=1), stats.rankdata(mos, axis=1))


ROW_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"srcc": row_srcc, "plcc": row_plcc}


def resampled_correlation(
    pred: np.ndarray, mos: np.ndarray, metric: str, resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """SRCC or PLCC of resampled items; predictions and MOS of an item are resampled together.

    Args:
        pred: ``(n,)`` predictions on any scale.
        mos: ``(n,)`` labels of the same items.
        metric: ``srcc`` or ``plcc``.
        resamples: number of resamples ``R``.
        generator: draws the items.

    Returns:
        ``(R,)`` values in [-1, 1]; NaN where a side of a resample is constant.

    Raises:
        ValueError: for fewer than two items or sides of unequal length.
    """
    if pred.shape != mos.shape or pred.ndim != 1 or len(pred) < 2:
        raise ValueError(f"predictions {pred.shape} and MOS {mos.shape} must be 1-D, of one length, at least 2 items")
    blocks = resampled_items(len(pred), resamples, generator)
    return np.concatenate([correlation_of_items(pred, mos, metric, index) for index in blocks])


def resampled_items(n: int, resamples: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Items of every resample, ``(r, n)`` positions at a time, ``resamples`` rows in all; blocks do not change them."""
    block = max(1, BLOCK // n)
    for start in range(0, resamples, block):
        yield generator.integers(0, n, (min(block, resamples - start), n))


def correlation_of_items(pred: np.ndarray, mos: np.ndarray, metric: str, index: np.ndarray) -> np.ndarray:
    """SRCC or PLCC ``(R,)`` of the items that the rows of ``index`` ``(R, n)`` name; NaN where a side is constant."""
    return row_plcc(*(resampled_ranks(side, index) if metric == "srcc" else side[index] for side in (pred, mos)))


def resampled_ranks(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Ranks of ``values[index]`` within every row, ties at their mean rank, by counting instead of sorting.

    A resample holds nothing but the original values, which are sorted once: a value that ends at place ``c`` of its
    row and occurs ``k`` times has the mean rank ``c - (k - 1) / 2``. As exact as sorting, and several times faster.

    Args:
        values: ``(n,)`` original values, finite.
        index: ``(R, n)`` items of every resample.

    Returns:
        ``(R, n)`` ranks from 1.
    """
    distinct, order = np.unique(values, return_inverse=True)
    rows, width = len(index), len(distinct)
    cells = order[index] + width * np.arange(rows)[:, None]
    counts = np.bincount(cells.ravel(), minlength=rows * width).reshape(rows, width)
    ranks = counts.cumsum(axis=1) - (counts - 1) / 2
    return ranks.ravel()[cells]


def percentile_interval(distribution: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle share ``level`` of ``(R,)`` resampled values; undefined ones are left out, NaN if none is left."""
    defined = distribution[~np.isnan(distribution)]
    if len(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
