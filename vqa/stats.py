"""Percentile bootstrap intervals over items, for SRCC, PLCC and the generalization gap.

An interval says how much a number would move had other items of the same kind been rated. It does not cover the
training seed, nor the choice of the epoch on the test set.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

# Numbers of one block of resamples: 2^21 doubles are 16 MB per array, whatever the size of the test set.
BLOCK = 1 << 21

Statistic = Callable[..., np.ndarray]
Pairs = tuple[np.ndarray, ...]


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


ROW_METRICS: dict[str, Statistic] = {"srcc": row_srcc, "plcc": row_plcc}


def bootstrap_interval(
    statistic: Statistic, *samples: Pairs, resamples: int, generator: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of one or more independent samples.

    Args:
        statistic: takes the resampled arrays, ``(R, n)`` each and in the order given, and returns ``(R,)`` values.
        samples: every sample is a tuple of ``(n,)`` arrays whose items belong together, such as (predictions, MOS);
            they are resampled together, and the samples independently of each other.
        resamples: number of resamples.
        generator: draws the items; the same generator state gives the same interval.
        level: coverage aimed at, in (0, 1).

    Returns:
        Lower and upper bound. Resamples for which the statistic is not defined are left out; NaN if none is left.

    Raises:
        ValueError: if a sample has fewer than two items or arrays of unequal length.
    """
    groups = [tuple(np.asarray(array, dtype=np.float64) for array in sample) for sample in samples]
    for group in groups:
        sizes = {array.shape for array in group}
        if len(sizes) != 1 or len(group[0].shape) != 1 or len(group[0]) < 2:
            raise ValueError(f"a sample needs 1-D arrays of one length, at least 2 items, got {sorted(sizes)}")
    block = max(1, BLOCK // max(len(group[0]) for group in groups))
    values = []
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        arrays: list[np.ndarray] = []
        for group in groups:
            index = generator.integers(0, len(group[0]), (count, len(group[0])))
            arrays += [array[index] for array in group]
        values.append(statistic(*arrays))
    distribution = np.concatenate(values)
    defined = distribution[~np.isnan(distribution)]
    if len(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def correlation_interval(
    pred: np.ndarray, mos: np.ndarray, metric: str, resamples: int, generator: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Interval of a correlation of ``(n,)`` predictions with ``(n,)`` MOS.

    Args:
        pred: predictions on any scale.
        mos: labels of the same items.
        metric: ``srcc`` or ``plcc`` (raw predictions).
        resamples: number of resamples.
        generator: draws the items.
        level: coverage aimed at.
    """
    return bootstrap_interval(ROW_METRICS[metric], (pred, mos), resamples=resamples, generator=generator, level=level)


def gap_interval(
    train_pred: np.ndarray,
    train_mos: np.ndarray,
    test_pred: np.ndarray,
    test_mos: np.ndarray,
    metric: str,
    resamples: int,
    generator: np.random.Generator,
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval of the generalization gap, train minus test correlation.

    Training items ``(m,)`` and test items ``(n,)`` are different items and are resampled independently; the other
    arguments are those of :func:`correlation_interval`.
    """
    correlation = ROW_METRICS[metric]

    def gap(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        return correlation(a, b) - correlation(c, d)

    train, test = (train_pred, train_mos), (test_pred, test_mos)
    return bootstrap_interval(gap, train, test, resamples=resamples, generator=generator, level=level)
